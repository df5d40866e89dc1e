import { useEffect, useState } from "preact/hooks";
import type { DatasetBoundary } from "../api/types";
import { formatNumber } from "../i18n";
import { blankAsking, HOUSEHOLDS, wishOf } from "../state/asking";
import { MoreFields, useAsked, WeightFields } from "./AskedFields";
import { useApp } from "./context";
import { CountFields, useCount } from "./CountFields";
import { Dialog } from "./Dialog";

const BOUNDS = [300, 500] as const;

/** A plan out of data that have none: what is asked of its grids. They are made in a draft of their own. */
export function FirstPlanDialog({ onClose }: { onClose: () => void }) {
  const { state, jobs, client } = useApp();
  const { t, datasets } = state;
  const [dataset, setDataset] = useState(datasets.value[0]?.id ?? "");
  const [name, setName] = useState<string | null>(null);
  const [boundaries, setBoundaries] = useState<DatasetBoundary[]>([]);
  const [boundary, setBoundary] = useState("");
  const [failed, setFailed] = useState(false);
  const [busy, setBusy] = useState(false);
  const asked = useAsked(blankAsking(BOUNDS), dataset);
  const count = useCount();
  const chosen = datasets.value.find((each) => each.id === dataset);
  const usual = t("first.name", { name: chosen?.name ?? "" });
  useEffect(() => {
    let current = true;
    setFailed(false);
    client.boundaries(dataset).then(
      (found) => current && (setBoundaries(found), setBoundary(found.length === 1 ? found[0].code : "")),
      () => current && setFailed(true),
    );
    return () => {
      current = false;
    };
  }, [dataset]);
  const here = boundaries.filter((each) => boundary === "" || each.code === boundary);
  const ofAll = here.length === boundaries.length;
  const households = here.reduce((sum, each) => sum + each.households, 0);
  const sum = asked.asking.weight.trim() === HOUSEHOLDS ? households : ofAll ? asked.total : null;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (count.wrong || busy || boundaries.length === 0) return;
    setBusy(true);
    const good = await asked.check();
    setBusy(false);
    if (!good) return;
    const wish = { ...wishOf(asked.asking), boundary: boundary || null, grids: count.wanted, objective: count.objective };
    void jobs.first(dataset, (name ?? usual).trim() || usual, wish);
    onClose();
  };
  return (
    <Dialog title={t("first.title")} onClose={onClose}>
      <form class="asked" onSubmit={(event) => void send(event)} noValidate>
        <p class="muted">{t("first.explain")}</p>
        {datasets.value.length > 1 && (
          <label class="field">
            <span>{t("first.data")}</span>
            <select value={dataset} onChange={(event) => setDataset(event.currentTarget.value)}>
              {datasets.value.map((each) => (
                <option key={each.id} value={each.id}>
                  {t("first.dataOption", { name: each.name, buildings: each.counts.buildings ?? 0, version: String(each.id) })}
                </option>
              ))}
            </select>
          </label>
        )}
        <label class="field">
          <span>{t("plan.name")}</span>
          <input type="text" value={name ?? usual} maxLength={120} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
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
        {failed && (
          <p class="alert" role="alert">
            {t("first.notLoaded")}
          </p>
        )}
        <WeightFields asked={asked} />
        <CountFields count={count} asking={asked.asking} sum={boundaries.length > 0 ? sum : null} />
        <MoreFields asked={asked} />
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary" aria-disabled={busy || boundaries.length === 0}>
            {t("partition.start")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
