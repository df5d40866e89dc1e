import { useState } from "preact/hooks";
import type { PlanDetail } from "../api/types";
import { formatNumber } from "../i18n";
import { blankAsking, HOUSEHOLDS, wishOf } from "../state/asking";
import { type Ground, hasLevels } from "../state/editing-rules";
import { LocksField, MoreFields, useAsked, WeightFields } from "./AskedFields";
import { useApp } from "./context";
import { CountFields, useCount } from "./CountFields";
import { Dialog } from "./Dialog";

type Boundaries = PlanDetail["boundaries"];

/** The boundary polygons with all households that are in them, also where no grid is yet. */
function withAll(ground: Ground | null, boundaries: Boundaries): Boundaries {
  if (!ground) return boundaries;
  const sums = new Float64Array(ground.areas.size);
  ground.graph.households.forEach((households, cell) => (sums[ground.graph.areaIx[cell]] += households));
  return boundaries.map((each) => ({ ...each, households: sums[ground.areas.get(each.code) ?? -1] ?? each.households }));
}

/** Let the solver cut a community anew; the result is a proposal. */
export function PartitionDialog({ onClose }: { onClose: () => void }) {
  const { state, jobs, edit } = useApp();
  const { t } = state;
  const all = withAll(edit.ground, state.detail.value?.boundaries ?? []);
  // With levels grids lie in parts of the level above, not straight in boundary polygons.
  const levels = edit.ground !== null && hasLevels(edit.ground);
  const boundaries = levels ? all.filter((each) => each.n_grids > 0) : all;
  const [boundary, setBoundary] = useState(boundaries.length === 1 ? boundaries[0].code : "");
  const [busy, setBusy] = useState(false);
  const asked = useAsked(blankAsking(state.bounds.value));
  const { asking } = asked;
  const count = useCount();
  const here = boundaries.find((each) => each.code === boundary);
  const whole = here === undefined || boundaries.length === 1;
  const households = (whole ? boundaries : [here]).reduce((sum, each) => sum + each.households, 0);
  // Of another weight only the sum of the whole town is known.
  const sum = asking.weight.trim() === HOUSEHOLDS ? households : whole ? asked.total : null;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (count.wrong || busy) return;
    setBusy(true);
    const good = await asked.check();
    setBusy(false);
    if (!good) return;
    void jobs.partition({ ...wishOf(asking), boundary: boundary || null, grids: count.wanted, objective: count.objective });
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
        <CountFields count={count} asking={asking} sum={sum} />
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
