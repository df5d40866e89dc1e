import { useState } from "preact/hooks";
import { shortCode } from "../kernels/codes";
import { blankAsking, numberOf, wishOf } from "../state/asking";
import { LocksField, MoreFields, useAsked, WeightFields } from "./AskedFields";
import { useApp } from "./context";
import { Dialog } from "./Dialog";

/** Bring grids inside the bounds with the fewest households changing hands; the result is a proposal. */
export function RebalanceDialog({ onClose }: { onClose: () => void }) {
  const { state, jobs, edit } = useApp();
  const { t } = state;
  const chosen = state.selected.value;
  const code = chosen !== null && edit.book?.exists(chosen) ? shortCode(edit.book.grid(chosen).code) : null;
  const [near, setNear] = useState(false);
  const [moved, setMoved] = useState("");
  const [busy, setBusy] = useState(false);
  const asked = useAsked(blankAsking(state.bounds.value));
  const most = numberOf(moved);
  const wrongMoved = most !== null && !Number.isInteger(most);
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wrongMoved || busy) return;
    setBusy(true);
    const good = await asked.check();
    setBusy(false);
    if (!good) return;
    const grids = near && chosen !== null ? [chosen] : null;
    void jobs.rebalance({ ...wishOf(asked.asking), grids, max_moved: most });
    onClose();
  };
  return (
    <Dialog title={t("plan.rebalance")} onClose={onClose}>
      <form class="asked" onSubmit={(event) => void send(event)} noValidate>
        <p class="muted">{t("rebalance.text")}</p>
        {code !== null && (
          <label class="field">
            <span>{t("rebalance.where")}</span>
            <select value={near ? "near" : "all"} onChange={(event) => setNear(event.currentTarget.value === "near")}>
              <option value="all">{t("rebalance.everywhere")}</option>
              <option value="near">{t("rebalance.near", { code })}</option>
            </select>
          </label>
        )}
        <WeightFields asked={asked} />
        <label class="field">
          <span>{t("rebalance.moved")}</span>
          <input
            type="text"
            inputMode="numeric"
            value={moved}
            placeholder={t("rebalance.fewest")}
            aria-invalid={wrongMoved}
            aria-describedby={wrongMoved ? "fault-moved" : undefined}
            onInput={(event) => setMoved(event.currentTarget.value)}
          />
        </label>
        {wrongMoved && (
          <p class="alert field-fault" role="alert" id="fault-moved">
            {t("rebalance.wrong")}
          </p>
        )}
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
