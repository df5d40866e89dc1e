import { useState } from "preact/hooks";
import { formatNumber } from "../i18n";
import { useApp } from "./context";
import { Dialog } from "./Dialog";

/** Let the solver cut a community anew; the result is a proposal. */
export function PartitionDialog({ onClose }: { onClose: () => void }) {
  const { state, jobs } = useApp();
  const { t } = state;
  const boundaries = state.detail.value?.boundaries ?? [];
  const [boundary, setBoundary] = useState(boundaries.length === 1 ? boundaries[0].code : "");
  const [min, setMin] = useState(state.bounds.value[0]);
  const [max, setMax] = useState(state.bounds.value[1]);
  const [count, setCount] = useState("");
  const [locks, setLocks] = useState(true);
  const households = boundary === ""
    ? boundaries.reduce((sum, each) => sum + each.households, 0)
    : (boundaries.find((each) => each.code === boundary)?.households ?? 0);
  const least = max > 0 ? Math.ceil(households / max) : 0;
  const most = min > 0 ? Math.floor(households / min) : 0;
  const wrong = !(min >= 0 && max >= 1 && min <= max) ? t("partition.wrong") : "";
  const send = (event: Event): void => {
    event.preventDefault();
    if (wrong) return;
    const grids = count === "" ? null : Number(count);
    void jobs.partition({ boundary: boundary || null, min, max, grids, locks });
    onClose();
  };
  return (
    <Dialog title={t("partition.title")} onClose={onClose}>
      <form onSubmit={send}>
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
        <div class="fields">
          <label class="field">
            <span>{t("partition.min")}</span>
            <input type="number" min={0} value={min} required onInput={(event) => setMin(event.currentTarget.valueAsNumber)} />
          </label>
          <label class="field">
            <span>{t("partition.max")}</span>
            <input type="number" min={1} value={max} required onInput={(event) => setMax(event.currentTarget.valueAsNumber)} />
          </label>
          <label class="field">
            <span>{t("partition.grids")}</span>
            <input type="number" min={1} value={count} placeholder={t("partition.auto")} onInput={(event) => setCount(event.currentTarget.value)} />
          </label>
        </div>
        <p class="muted">
          {t("partition.hint", { households, least, most: Math.max(least, most) })}
        </p>
        <label class="check">
          <input type="checkbox" checked={locks} onChange={(event) => setLocks(event.currentTarget.checked)} />
          {t("partition.locks")}
        </label>
        {wrong && (
          <p class="alert" role="alert">
            {wrong}
          </p>
        )}
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary">
            {t("partition.start")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
