import { useState } from "preact/hooks";
import { formatNumber, type Key } from "../i18n";
import { codeWords } from "../state/casewords";
import { type Check, countsOf, KINDS } from "../state/checks";
import type { State } from "../state/state";
import { useApp } from "./context";
import { Icon } from "./icons";

/** One thing to mend, in a sentence. */
export function checkWords(state: State, { kind, grid, amount }: Check): string {
  const { t } = state;
  const [min, max] = state.bounds.value;
  const code = grid === null ? "" : codeWords(state, state.grids.value[grid]?.code ?? "");
  switch (kind) {
    case "out_of_bounds":
      return amount > 0 ? t("check.over", { code, count: amount, max }) : t("check.under", { code, count: -amount, min });
    case "in_pieces":
      return amount === 0 ? t("check.noCells", { code }) : t("check.pieces", { code, count: amount });
    case "unassigned":
      return t("check.unassigned", { count: amount });
    case "unnamed":
      return t("check.unnamed", { code });
    case "without_staff":
      return t("check.staff", { code });
  }
}

const MOST = 400;

/** What stands between this draft and its publishing, to be gone through one by one. */
export function CheckList() {
  const { state, desk } = useApp();
  const { t } = state;
  const [kind, setKind] = useState<Check["kind"] | "all">("all");
  const [at, setAt] = useState(-1);
  const all = desk.checks.value;
  const counts = countsOf(all);
  const shown = kind === "all" ? all : all.filter((check) => check.kind === kind);
  const current = Math.min(at, shown.length - 1);
  const go = (to: number): void => {
    if (shown.length === 0) return;
    const next = (to + shown.length) % shown.length;
    setAt(next);
    desk.zoomTo(shown[next]);
    state.live.value = checkWords(state, shown[next]);
  };
  if (all.length === 0) return <p class="panel-empty">{t("checks.none")}</p>;
  return (
    <div class="checks">
      <div class="checks-head">
        <label>
          <span class="visually-hidden">{t("checks.kind")}</span>
          <select value={kind} onChange={(event) => (setKind(event.currentTarget.value as Check["kind"]), setAt(-1))}>
            <option value="all">{t("checks.all", { count: all.length })}</option>
            {KINDS.filter((each) => counts.get(each)).map((each) => (
              <option key={each} value={each}>
                {t(`checks.${each}` as Key)} ({formatNumber(counts.get(each) ?? 0)})
              </option>
            ))}
          </select>
        </label>
        <span class="space" />
        <span class="number muted" aria-live="polite">
          {current >= 0 ? `${current + 1}/${shown.length}` : ""}
        </span>
        <button type="button" class="icon-button" aria-label={t("checks.previous")} title={t("checks.previous")} onClick={() => go(current < 0 ? shown.length - 1 : current - 1)}>
          <Icon name="previous" size={16} />
        </button>
        <button type="button" class="icon-button" aria-label={t("checks.next")} title={t("checks.next")} onClick={() => go(current + 1)}>
          <Icon name="next" size={16} />
        </button>
      </div>
      <ul class="checks-list" aria-label={t("tab.checks")}>
        {shown.slice(0, MOST).map((check, i) => (
          <li key={`${check.kind}-${check.grid}`} class={i === current ? "is-current" : ""}>
            <button type="button" class={blocking(check) ? "check-row is-blocking" : "check-row"} aria-current={i === current ? "true" : undefined} onClick={() => go(i)}>
              <b aria-hidden="true">{blocking(check) ? "!" : "·"}</b> {checkWords(state, check)}
            </button>
          </li>
        ))}
      </ul>
      {shown.length > MOST && <p class="muted panel-more">{t("checks.more", { count: shown.length - MOST })}</p>}
    </div>
  );
}

const blocking = ({ kind }: Check): boolean => kind === "unassigned" || kind === "in_pieces";
