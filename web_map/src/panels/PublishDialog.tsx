import { useEffect, useState } from "preact/hooks";
import type { CheckItem, CheckKind } from "../api/edits";
import { formatNumber, type Key } from "../i18n";
import { codeWords } from "../state/casewords";
import { EXCUSABLE, KINDS } from "../state/checks";
import { useApp } from "./context";
import { Dialog } from "./Dialog";

const MOST_CODES = 12;

/** From when the plan holds, what is still open, and which of it is let pass. */
export function PublishDialog({ onClose }: { onClose: () => void }) {
  const { state, desk, plans } = useApp();
  const { t } = state;
  const [items, setItems] = useState<CheckItem[] | null>(null);
  const [date, setDate] = useState(today());
  const [except, setExcept] = useState<ReadonlySet<CheckKind>>(new Set());
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    void plans.checks().then((found) => (found ? setItems(found.items) : onClose()));
  }, []);

  const open = KINDS.filter((kind) => items?.some((item) => item.kind === kind));
  const blocking = open.filter((kind) => !EXCUSABLE.includes(kind));
  const left = open.filter((kind) => EXCUSABLE.includes(kind) && !except.has(kind));
  const ready = items !== null && blocking.length === 0 && left.length === 0 && date !== "";
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!ready || busy) return setRefused(true);
    setBusy(true);
    const answer = await plans.publish(date, [...except].filter((kind) => open.includes(kind)));
    setBusy(false);
    if (answer === "done") return onClose();
    if (answer === "failed") return;
    setItems(answer);
    setRefused(true);
  };
  const excuse = (kind: CheckKind, on: boolean): void => {
    const next = new Set(except);
    if (on) next.add(kind);
    else next.delete(kind);
    setExcept(next);
  };
  return (
    <Dialog title={t("publish.title", { name: state.plan.value?.name ?? "" })} onClose={onClose}>
      <form onSubmit={(event) => void send(event)}>
        <p class="muted">{t("publish.text")}</p>
        <label class="field">
          <span>{t("publish.date")}</span>
          <input type="date" value={date} required onInput={(event) => setDate(event.currentTarget.value)} />
        </label>
        {items === null && <p role="status">{t("publish.checking")}</p>}
        {items?.length === 0 && <p class="publish-clean">{t("checks.none")}</p>}
        {open.length > 0 && <h3>{t("publish.open")}</h3>}
        <ul class="publish-list">
          {open.map((kind) => (
            <li key={kind}>
              <p>
                <b class={EXCUSABLE.includes(kind) ? "" : "alert"}>
                  {t(`checks.${kind}` as Key)} ({formatNumber(countOf(kind))})
                </b>{" "}
                <span class="muted">{codesOf(kind)}</span>
              </p>
              {EXCUSABLE.includes(kind) ? (
                <label class="check">
                  <input type="checkbox" checked={except.has(kind)} onChange={(event) => excuse(kind, event.currentTarget.checked)} />
                  {t("publish.except")}
                </label>
              ) : (
                <p class="alert">{t("publish.never")}</p>
              )}
            </li>
          ))}
        </ul>
        {refused && !ready && (
          <p class="alert" role="alert">
            {t("publish.refused")}
          </p>
        )}
        <footer>
          {open.length > 0 && (
            <button type="button" class="button" onClick={() => ((desk.tab.value = "checks"), (state.panelHidden.value = false), onClose())}>
              {t("publish.mend")}
            </button>
          )}
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary" aria-disabled={!ready || busy}>
            {t(busy ? "publish.busy" : "publish")}
          </button>
        </footer>
      </form>
    </Dialog>
  );

  function countOf(kind: CheckKind): number {
    const found = (items ?? []).filter((item) => item.kind === kind);
    return kind === "unassigned" ? found.reduce((sum, item) => sum + item.cells.length, 0) : found.length;
  }

  function codesOf(kind: CheckKind): string {
    const codes = (items ?? []).flatMap((item) => {
      const grid = item.kind === kind && item.grid_ix !== null ? state.grids.value[item.grid_ix] : undefined;
      return grid ? [codeWords(state, grid.code)] : [];
    });
    return codes.slice(0, MOST_CODES).join(", ") + (codes.length > MOST_CODES ? " …" : "");
  }
}

/** Today as the calendar of this place has it, as yyyy-mm-dd. */
function today(now = new Date()): string {
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
