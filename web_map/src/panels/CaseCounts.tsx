import { useEffect, useState } from "preact/hooks";
import type { CaseCount, CaseCounts as Counts, CountsBy, CountsWish } from "../api/cases";
import { ApiError } from "../api/request";
import { formatNumber } from "../i18n";
import { dayIn } from "../kernels/worktime";
import { codeWords, unitWords } from "../state/casewords";
import { errorWords } from "../state/problems";
import type { State } from "../state/state";
import { useDispatch } from "./casecontext";
import { Dialog } from "./Dialog";

const BY: readonly CountsBy[] = ["unit", "grid", "category"];
const DAY_MS = 86_400_000;
const DAYS = 30;

/** What the cases of some days come to by unit: how many, given back, late, how long they took. */
export function CaseCounts({ onClose }: { onClose: () => void }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  // Days are those of the calendar by which work is counted, wherever this page is looked at.
  const day = (ago: number): string => dayIn(cases.rules.peek()?.calendar?.zone, Date.now() - ago * DAY_MS);
  const [wish, setWish] = useState<CountsWish>(() => ({ from: day(DAYS - 1), to: day(0), by: "unit" }));
  const [found, setFound] = useState<Counts | null>(null);
  const [fault, setFault] = useState("");
  const set = (more: Partial<CountsWish>): void => setWish({ ...wish, ...more });
  const backwards = wish.from !== "" && wish.to !== "" && wish.from > wish.to;
  const ask = (): (() => void) => {
    if (backwards) return () => undefined;
    const stop = new AbortController();
    cases.client.counts(wish, stop.signal).then(
      (counts) => (setFound(counts), setFault("")),
      (error: unknown) => {
        if (!stop.signal.aborted) setFault(error instanceof ApiError && error.status > 0 ? errorWords(state, error) : t("error.noConnection"));
      },
    );
    return () => stop.abort();
  };
  useEffect(ask, [wish]);
  const dayField = (which: "from" | "to") => (
    <label class="field">
      <span>{t(`case.stats.${which}`)}</span>
      <input type="date" value={wish[which]} aria-invalid={backwards ? true : undefined} onChange={(event) => set({ [which]: event.currentTarget.value })} />
    </label>
  );
  const shown = found?.by === wish.by ? found : null;
  return (
    <Dialog title={t("case.stats")} wide onClose={onClose}>
      <form class="case-stats-ask" onSubmit={(event) => event.preventDefault()}>
        {dayField("from")}
        {dayField("to")}
        <label class="field">
          <span>{t("case.stats.by")}</span>
          <select value={wish.by} onChange={(event) => set({ by: event.currentTarget.value as CountsBy })}>
            {BY.map((each) => (
              <option key={each} value={each}>
                {t(`case.filter.${each}`)}
              </option>
            ))}
          </select>
        </label>
      </form>
      {backwards && (
        <p class="alert" role="alert">
          {t("case.stats.backwards")}
        </p>
      )}
      {fault && (
        <p class="alert" role="alert">
          {fault}{" "}
          <button type="button" class="link" onClick={ask}>
            {t("error.retry")}
          </button>
        </p>
      )}
      {shown ? <Table counts={shown} /> : !fault && !backwards && <p class="muted">{t("case.stats.loading")}</p>}
      <p class="muted field-hint">{t("case.stats.hint")}</p>
      <footer>
        {shown && shown.rows.length > 0 && !backwards && (
          <a class="button" href={cases.client.countsTable(wish)} download>
            {t("case.stats.csv")}
          </a>
        )}
        <button type="button" class="button primary" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </footer>
    </Dialog>
  );
}

function Table({ counts }: { counts: Counts }) {
  const { state } = useDispatch();
  const { t } = state;
  if (counts.rows.length === 0) return <p class="panel-empty">{t("case.stats.none")}</p>;
  const rows = [...counts.rows].sort((a, b) => b.cases - a.cases || ((a.key ?? "\uffff") < (b.key ?? "\uffff") ? -1 : 1));
  const columns = ["cases", "returns", "share", "overdue", "hours"] as const;
  return (
    <div class="case-stats">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t(`case.filter.${counts.by}`)}</th>
            {columns.map((each) => (
              <th key={each} scope="col" class="number">
                {t(`case.stats.${each}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key ?? ""} data-key={row.key ?? ""}>
              <th scope="row" title={row.key ?? undefined}>
                {nameOf(state, counts.by, row)}
              </th>
              <Numbers row={row} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("case.stats.all")}</th>
            <Numbers row={counts.total} />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function nameOf(state: State, by: CountsBy, { key }: CaseCount): string {
  const t = state.t;
  if (key === null) return t(by === "unit" ? "case.stats.nobody" : "case.stats.nowhere");
  return by === "grid" ? t("detail.grid", { code: codeWords(state, key) }) : by === "unit" ? unitWords(state, key) : key;
}

function Numbers({ row }: { row: CaseCount }) {
  return (
    <>
      <td class="number">{formatNumber(row.cases)}</td>
      <td class="number">{formatNumber(row.returns)}</td>
      <td class="number">{row.return_rate === null ? "–" : `${formatNumber(100 * row.return_rate, row.return_rate > 0 && row.return_rate < 0.1 ? 1 : 0)} %`}</td>
      <td class={row.overdue > 0 ? "number alert" : "number"}>
        {row.overdue > 0 && <b aria-hidden="true">! </b>}
        {formatNumber(row.overdue)}
      </td>
      <td class="number">{row.median_hours === null ? "–" : formatNumber(row.median_hours, 1)}</td>
    </>
  );
}
