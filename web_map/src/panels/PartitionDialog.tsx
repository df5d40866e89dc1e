import { useState } from "preact/hooks";
import { formatNumber } from "../i18n";
import { blankAsking, countOf, HOUSEHOLDS, numberOf, OBJECTIVES, wishOf } from "../state/asking";
import { hasLevels } from "../state/editing-rules";
import { LocksField, MoreFields, useAsked, WeightFields } from "./AskedFields";
import { useApp } from "./context";
import { Dialog } from "./Dialog";

/** Let the solver cut a community anew; the result is a proposal. */
export function PartitionDialog({ onClose }: { onClose: () => void }) {
  const { state, jobs, edit } = useApp();
  const { t } = state;
  const all = state.detail.value?.boundaries ?? [];
  // With levels grids lie in parts of the level above, not straight in boundary polygons.
  const boundaries = edit.ground && hasLevels(edit.ground) ? all.filter((each) => each.n_grids > 0) : all;
  const [boundary, setBoundary] = useState(boundaries.length === 1 ? boundaries[0].code : "");
  const [count, setCount] = useState("");
  const [objective, setObjective] = useState<(typeof OBJECTIVES)[number]>("plan");
  const [busy, setBusy] = useState(false);
  const asked = useAsked(blankAsking(state.bounds.value));
  const { asking } = asked;
  const wanted = countOf(count);
  const wrongCount = typeof wanted === "number" && Number.isNaN(wanted);
  const here = boundaries.find((each) => each.code === boundary);
  const households = here ? here.households : boundaries.reduce((sum, each) => sum + each.households, 0);
  // Of another weight only the sum of the whole town is known.
  const weight = asking.weight.trim();
  const sum = weight === HOUSEHOLDS ? households : here && boundaries.length > 1 ? null : asked.total;
  const [min, max] = [numberOf(asking.min) ?? 0, numberOf(asking.max) ?? 0];
  const least = sum !== null && max > 0 ? Math.ceil(sum / max) : 0;
  const most = sum !== null && min > 0 ? Math.floor(sum / min) : 0;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wrongCount || busy) return;
    setBusy(true);
    const good = await asked.check();
    setBusy(false);
    if (!good) return;
    void jobs.partition({ ...wishOf(asking), boundary: boundary || null, grids: wanted, objective });
    onClose();
  };
  return (
    <Dialog title={t("partition.title")} onClose={onClose}>
      <form class="asked" onSubmit={(event) => void send(event)} noValidate>
        <p class="muted">{t("partition.text")}</p>
        {boundaries.length > 1 && (
          <label class="field">
            <span>{t("partition.where")}</span>
            <select value={boundary} onChange={(event) => setBoundary(event.currentTarget.value)}>
              <option value="">{t("partition.everywhere")}</option>
              {boundaries.map((each) => (
                <option key={each.code} value={each.code}>
                  {each.name || each.code} · {formatNumber(each.households)} {t("totals.households")}
                </option>
              ))}
            </select>
          </label>
        )}
        <WeightFields asked={asked} />
        <label class="field">
          <span>{t("partition.grids")}</span>
          <input
            type="text"
            value={count}
            placeholder={t("partition.auto")}
            aria-invalid={wrongCount}
            aria-describedby={wrongCount ? "fault-count" : undefined}
            onInput={(event) => setCount(event.currentTarget.value)}
          />
        </label>
        {wrongCount && (
          <p class="alert field-fault" role="alert" id="fault-count">
            {t("asked.noCount")}
          </p>
        )}
        {sum !== null && !Number.isNaN(min) && !Number.isNaN(max) && (
          <p class="muted field-hint">
            {weight === HOUSEHOLDS
              ? t("partition.hint", { households, least, most: Math.max(least, most) })
              : t("asked.hint", { total: formatNumber(sum), weight, least, most: Math.max(least, most) })}
          </p>
        )}
        <label class="field">
          <span>{t("asked.objective")}</span>
          <select value={objective} onChange={(event) => setObjective(event.currentTarget.value as typeof objective)}>
            {OBJECTIVES.map((each) => (
              <option key={each} value={each}>
                {t(`asked.objective.${each}`)}
              </option>
            ))}
          </select>
        </label>
        <MoreFields asked={asked} />
        <LocksField asked={asked} />
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary" aria-disabled={busy}>
            {t("partition.start")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
