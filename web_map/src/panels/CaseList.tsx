import { useEffect, useRef, useState } from "preact/hooks";
import type { Key } from "../i18n";
import { formatTime } from "../i18n";
import { CASE_SORTS, type CaseFilter, type CaseSort, type ListedCase, NO_FILTER } from "../state/caselist";
import { STATES, hasEnded } from "../state/casesteps";
import { timeWords } from "../state/cases";
import { codeWords, unitWords } from "../state/casewords";
import { CaseChip } from "./CaseChip";
import { useDispatch } from "./casecontext";
import { isComposing } from "./context";

const ROW = 54;
const MORE_ROWS = 4;

/** All cases that the filter leaves; only the rows in sight are in the page. */
export function CaseList({ short }: { short: boolean }) {
  const { cases } = useDispatch();
  const standing = cases.standing.value;
  const { scope } = cases.filter.value;
  return (
    <section class={short ? "case-list is-short" : "case-list"} aria-label={useDispatch().state.t("case.list")}>
      <Counts />
      <Filter />
      {standing === "failed" ? <Failed /> : standing !== "ready" ? <div class="skeleton" /> : scope === "ended" && cases.ended.value.standing === "loading" && cases.list.value.length === 0 ? <div class="skeleton" /> : <Rows />}
    </section>
  );
}

function Counts() {
  const { state, cases } = useDispatch();
  const { t } = state;
  if (cases.standing.value !== "ready") return null;
  const late = cases.late.value;
  const fresh = cases.fresh.value.size;
  return (
    <p class="case-counts">
      <b>{cases.open.value.length}</b> {t("case.counts.open")}
      {late > 0 && (
        <span class="alert">
          <b>{late}</b> {t("case.counts.late")}
        </span>
      )}
      {fresh > 0 && (
        <span>
          <b>{fresh}</b> {t("case.counts.new")}
        </span>
      )}
    </p>
  );
}

function Filter() {
  const { state, cases } = useDispatch();
  const { t } = state;
  const filter = cases.filter.value;
  const set = (part: Partial<CaseFilter>): void => void (cases.filter.value = { ...filter, ...part });
  const { units, grids, categories } = cases.choices.value;
  const more = [filter.state, filter.unit, filter.grid, filter.category].filter((part) => part !== "").length;
  return (
    <div class="case-filter">
      <div class="case-filter-row">
        <select aria-label={t("case.scope")} value={filter.scope} onChange={(event) => set({ scope: event.currentTarget.value as CaseFilter["scope"], state: "" })}>
          <option value="open">{t("case.scope.open")}</option>
          <option value="ended">{t("case.scope.ended")}</option>
        </select>
        <select aria-label={t("case.sort")} value={cases.sort.value} onChange={(event) => (cases.sort.value = event.currentTarget.value as CaseSort)}>
          {CASE_SORTS.map((each) => (
            <option key={each} value={each}>
              {t(`case.sort.${each}` as Key)}
            </option>
          ))}
        </select>
        <label class="check">
          <input type="checkbox" checked={filter.lateOnly} onChange={(event) => set({ lateOnly: event.currentTarget.checked })} /> {t("case.lateOnly")}
        </label>
      </div>
      <details class="case-filter-more">
        <summary>
          {t("case.filter")}
          {more > 0 && ` (${more})`}
        </summary>
        <div class="case-filter-grid">
          <input type="search" aria-label={t("case.filter.words")} placeholder={t("case.filter.words")} value={filter.words} onInput={(event) => set({ words: event.currentTarget.value })} />
          <select aria-label={t("case.filter.state")} value={filter.state} onChange={(event) => set({ state: event.currentTarget.value as CaseFilter["state"] })}>
            <option value="">{t("case.filter.anyState")}</option>
            {STATES.filter((each) => hasEnded(each) === (filter.scope === "ended")).map((each) => (
              <option key={each} value={each}>
                {t(`case.state.${each}`)}
              </option>
            ))}
          </select>
          <Choice name={t("case.filter.unit")} any={t("case.filter.anyUnit")} value={filter.unit} from={units} words={(unit) => unitWords(state, unit)} set={(unit) => set({ unit })} />
          <Choice name={t("case.filter.grid")} any={t("case.filter.anyGrid")} value={filter.grid} from={grids} words={(code) => codeWords(state, code)} set={(grid) => set({ grid })} />
          <Choice name={t("case.filter.category")} any={t("case.filter.anyCategory")} value={filter.category} from={categories} words={String} set={(category) => set({ category })} />
        </div>
      </details>
    </div>
  );
}

interface ChoiceProps {
  name: string;
  any: string;
  value: string;
  from: readonly string[];
  words: (value: string) => string;
  set: (value: string) => void;
}

function Choice({ name, any, value, from, words, set }: ChoiceProps) {
  const all = value !== "" && !from.includes(value) ? [value, ...from] : from;
  return (
    <select aria-label={name} value={value} onChange={(event) => set(event.currentTarget.value)}>
      <option value="">{any}</option>
      {all.map((each) => (
        <option key={each} value={each}>
          {words(each)}
        </option>
      ))}
    </select>
  );
}

function Failed() {
  const { state, cases } = useDispatch();
  return (
    <div class="panel-empty" role="alert">
      <p>{state.t("case.list.failed")}</p>
      <button type="button" class="button primary" onClick={() => void cases.reload()}>
        {state.t("error.retry")}
      </button>
    </div>
  );
}

function Rows() {
  const { state, cases } = useDispatch();
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const list = cases.list.value;
  const chosen = cases.chosen.value;
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setHeight(element.clientHeight));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    const element = scroller.current;
    const at = list.findIndex(({ row }) => row.id === chosen);
    if (!element || at < 0) return;
    if (at * ROW < element.scrollTop) element.scrollTop = at * ROW;
    else if ((at + 1) * ROW > element.scrollTop + element.clientHeight) element.scrollTop = (at + 1) * ROW - element.clientHeight;
  }, [chosen, height]);
  if (list.length === 0) return <Empty />;
  const first = Math.max(0, Math.floor(top / ROW) - MORE_ROWS);
  const end = Math.min(list.length, Math.ceil((top + height) / ROW) + MORE_ROWS);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    cases.walk(by);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>("[aria-current=true]")?.focus());
  };
  return (
    <div class="case-rows" ref={scroller} onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={onKeyDown}>
      <ul style={{ height: `${list.length * ROW}px` }} onMouseLeave={() => (cases.hovered.value = null)}>
        {list.slice(first, end).map((one, i) => (
          <Row key={one.row.id} one={one} at={first + i} total={list.length} />
        ))}
      </ul>
      {cases.filter.value.scope === "ended" && cases.ended.value.total > list.length && (
        <p class="panel-more muted">{state.t("case.ended.more", { shown: list.length, total: cases.ended.value.total })}</p>
      )}
    </div>
  );
}

function Row({ one, at, total }: { one: ListedCase; at: number; total: number }) {
  const { state, cases, call } = useDispatch();
  const { t } = state;
  const { row, standing } = one;
  const late = standing.overdue || standing.acceptOverdue;
  const fresh = cases.fresh.value.has(row.id);
  const chosen = cases.chosen.value === row.id;
  return (
    <li class="case-row" style={{ top: `${at * ROW}px` }} aria-setsize={total} aria-posinset={at + 1} onMouseEnter={() => (cases.hovered.value = row.id)}>
      <button
        type="button"
        class={[chosen ? "is-chosen" : "", late ? "is-late" : "", fresh ? "is-fresh" : ""].join(" ").trim()}
        data-case={row.id}
        aria-current={chosen}
        onClick={() => {
          call.leave();
          cases.choose(row.id);
        }}
      >
        <span class="case-title">
          {fresh && <span class="fresh-dot" role="img" aria-label={t("case.new")} />}
          <b>{row.category}</b> <span class="muted">{row.words || row.details.address || ""}</span>
        </span>
        <span class={late ? "case-time alert" : "case-time"}>
          {late && <b aria-hidden="true">! </b>}
          {standing.acceptOverdue && !standing.overdue ? t("case.clock.acceptLate") : row.clock === "none" ? formatTime(row.reported_at, state.lang.value) : timeWords(t, row, standing)}
        </span>
        <span class="case-under">
          <CaseChip state={row.state} />
          <span class="muted">
            #{row.id} · {row.grid_code === null ? t(row.details.candidates?.length ? "case.grid.unsure" : "case.grid.none") : t("detail.grid", { code: codeWords(state, row.grid_code) })}
            {row.unit !== null && row.unit !== row.grid_code && ` · ${unitWords(state, row.unit)}`}
          </span>
        </span>
      </button>
    </li>
  );
}

/** Nothing to show: why, and what to do about it. */
function Empty() {
  const { state, cases, focusCall, plan } = useDispatch();
  const { t } = state;
  const filter = cases.filter.value;
  const filtered = JSON.stringify({ ...filter, scope: "open" }) !== JSON.stringify(NO_FILTER);
  if (filtered)
    return (
      <div class="panel-empty">
        <p>{t("case.empty.filter")}</p>
        <button type="button" class="button" onClick={() => (cases.filter.value = { ...NO_FILTER, scope: filter.scope })}>
          {t("case.filter.clear")}
        </button>
      </div>
    );
  if (filter.scope === "ended") return <p class="panel-empty">{t("case.empty.ended")}</p>;
  const published = state.plans.value.some(({ state: standing }) => standing === "published");
  if (!published)
    return (
      <div class="panel-empty">
        <p>{t("case.empty.noPlan")}</p>
        <button type="button" class="button primary" onClick={plan}>
          {t("case.empty.toPlan")}
        </button>
      </div>
    );
  const noRules = (cases.rules.value?.deadlines ?? []).length === 0 && (cases.rules.value?.duty?.rules ?? []).length === 0;
  return (
    <div class="panel-empty">
      <p>{t("case.empty.none")}</p>
      <button type="button" class="button primary" onClick={focusCall}>
        {t("case.empty.take")}
      </button>
      {noRules && (
        <p class="panel-hint">
          {t("case.empty.noRules")}{" "}
          <button type="button" class="link" onClick={() => (cases.dialog.value = "rules")}>
            {t("case.rules.open")}
          </button>
        </p>
      )}
    </div>
  );
}
