/** The map of a case: opened when it is wanted, with where the phone is, and the way in words. */

import { useEffect, useState } from "preact/hooks";
import type { CaseRow } from "../api/cases";
import { usePhone } from "./context";
import { PhoneMap } from "./PhoneMap";
import { followPosition, type Position, type PositionTrouble, wayTo } from "./place";

type Border = { type: string; coordinates: unknown } | null;

export function MapPart({ row }: { row: CaseRow }) {
  const [open, setOpen] = useState(false);
  const { t } = usePhone();
  return (
    <section>
      {open ? (
        <OpenMap row={row} />
      ) : (
        <button type="button" class="big-button is-wide" onClick={() => setOpen(true)}>
          {t("map.show")}
        </button>
      )}
    </section>
  );
}

function OpenMap({ row }: { row: CaseRow }) {
  const phone = usePhone();
  const { t } = phone;
  const [me, setMe] = useState<Position | null>(null);
  const [trouble, setTrouble] = useState<PositionTrouble | null>(null);
  const [border, setBorder] = useState<Border>(null);
  useEffect(() => followPosition(setMe, setTrouble), []);
  useEffect(() => {
    void phone.ground(row).then((answer) => setBorder(answer?.border ?? null));
  }, [row.id]);
  return (
    <>
      <h2>{t("map")}</h2>
      <PhoneMap plan={row.plan} row={row} me={me} place={null} border={border} label={t("map.of", { id: String(row.id) })} tap={null} />
      <p role="status">{way(row, me, trouble, t)}</p>
      <p class="quiet">{t("map.legend")}</p>
    </>
  );
}

function way(row: CaseRow, me: Position | null, trouble: PositionTrouble | null, t: ReturnType<typeof usePhone>["t"]): string {
  if (!me) return t(trouble === null ? "map.looking" : trouble === "denied" ? "new.denied" : trouble === "insecure" ? "new.insecureFix" : "new.noFix");
  const { metres, direction } = wayTo(me, row);
  const known = t("map.youAre", { metres: Math.round(me.accuracy) });
  if (metres <= Math.max(15, me.accuracy)) return `${t("map.here")} · ${known}`;
  return `${t("map.case")}: ${t("map.way", { metres: Math.round(metres), direction: t(`direction.${direction}`) })} · ${known}`;
}
