import { useEffect, useState } from "preact/hooks";
import type { Comparison } from "../api/edits";
import { shortCode } from "../kernels/codes";
import { formatNumber, type Key } from "../i18n";
import { useApp } from "./context";
import { Dialog } from "./Dialog";

const MOST = 300;

/** Which households change hands between another plan (the one in force, to begin with) and this one. */
export function CompareDialog({ onClose }: { onClose: () => void }) {
  const { state, plans } = useApp();
  const { t } = state;
  const now = state.plan.value;
  const others = state.plans.value.filter((plan) => plan.id !== now?.id && plan.dataset_id === now?.dataset_id);
  const first = others.find((plan) => plan.state === "published") ?? others.find((plan) => plan.id === String(now?.based_on)) ?? others[0];
  const [other, setOther] = useState(first?.id ?? "");
  const [found, setFound] = useState<Comparison | null>(null);
  useEffect(() => {
    let current = true;
    setFound(null);
    if (other !== "") void plans.compare(other).then((answer) => current && setFound(answer));
    return () => {
      current = false;
    };
  }, [other]);
  const code = (text: string | null): string => (text === null ? t("compare.none") : shortCode(text));
  return (
    <Dialog title={t("compare.title", { name: now?.name ?? "" })} wide onClose={onClose}>
      {others.length === 0 ? (
        <p>{t("compare.alone")}</p>
      ) : (
        <label class="field">
          <span>{t("compare.with")}</span>
          <select value={other} onChange={(event) => setOther(event.currentTarget.value)}>
            {others.map((plan) => (
              <option key={plan.id} value={plan.id}>
                {plan.name} · {t(`state.${plan.state}` as Key)}
              </option>
            ))}
          </select>
        </label>
      )}
      {other !== "" && !found && <p role="status">{t("compare.busy")}</p>}
      {found && (
        <>
          <p>
            <b>
              {found.people_moved === null
                ? t("compare.sum", { households: found.households_moved })
                : t("compare.sumPeople", { households: found.households_moved, people: Math.round(found.people_moved) })}
            </b>
          </p>
          {found.buildings.length === 0 ? (
            <p>{t("compare.same")}</p>
          ) : (
            <div class="compare-lists">
              <table class="plain">
                <caption>{t("compare.pairs")}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t("compare.from")}</th>
                    <th scope="col">{t("compare.to")}</th>
                    <th scope="col" class="number">{t("detail.households")}</th>
                  </tr>
                </thead>
                <tbody>
                  {found.pairs.map((pair) => (
                    <tr key={`${pair.from}-${pair.to}`}>
                      <td>{code(pair.from)}</td>
                      <td>{code(pair.to)}</td>
                      <td class="number">{formatNumber(pair.households)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <table class="plain">
                <caption>{t("compare.buildings")}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t("detail.building")}</th>
                    <th scope="col" class="number">{t("detail.households")}</th>
                    <th scope="col">{t("compare.from")}</th>
                    <th scope="col">{t("compare.to")}</th>
                  </tr>
                </thead>
                <tbody>
                  {found.buildings.slice(0, MOST).map((building) => (
                    <tr key={building.id}>
                      <td>{building.name ?? building.address ?? building.id}</td>
                      <td class="number">{formatNumber(building.households)}</td>
                      <td>{code(building.from)}</td>
                      <td>{code(building.to)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {found.buildings.length > MOST && (
                <p class="muted">{t("detail.moreBuildings", { count: found.buildings.length - MOST })}</p>
              )}
            </div>
          )}
        </>
      )}
      <footer>
        <button type="button" class="button" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </footer>
    </Dialog>
  );
}
