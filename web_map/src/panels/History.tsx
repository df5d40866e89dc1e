import { useEffect, useState } from "preact/hooks";
import { shortCode } from "../kernels/codes";
import { dictionaries, formatTime, type Key } from "../i18n";
import { type HistoryRow, historyRows } from "../state/history";
import type { State } from "../state/state";
import { useApp } from "./context";

const FIRST = 300;

/** Who did what and when, newest first; a line returns to the plan as it was then. */
export function History() {
  const { state, desk, plans } = useApp();
  const { t } = state;
  const [count, setCount] = useState(FIRST);
  const [rows, setRows] = useState<HistoryRow[] | null>(null);
  const [more, setMore] = useState(false);
  const arrivals = desk.arrivals.value;
  const sync = desk.sync.value;
  useEffect(() => {
    let current = true;
    void plans.history(count).then((found) => {
      if (!current || !found) return;
      setRows(historyRows(found.edits, found.mine));
      setMore(found.more);
    });
    return () => {
      current = false;
    };
  }, [count, arrivals, sync]);

  if (!rows) return <p class="panel-empty">{t("history.loading")}</p>;
  if (rows.length === 0) return <p class="panel-empty">{t("history.none")}</p>;
  const newest = rows[0].revision;
  return (
    <ol class="history" aria-label={t("tab.history")}>
      {rows.map((row) => (
        <li key={row.revision} class={row.undone ? "is-undone" : ""}>
          <div class="history-what">
            <b>{kindWords(state, row)}</b>
            <span class="muted">
              {row.mine ? t("people.you") : row.who || t("people.someone")} · <time dateTime={row.at}>{formatTime(row.at, state.lang.value)}</time>
            </span>
          </div>
          {row.revision === newest ? (
            <span class="muted">{t("history.now")}</span>
          ) : (
            <button type="button" class="link" onClick={() => void plans.restore(row.revision)}>
              {t("history.return")}
            </button>
          )}
        </li>
      ))}
      <li>
        <div class="history-what">
          <b>{more ? "…" : t("history.begin")}</b>
        </div>
        {more ? (
          <button type="button" class="link" onClick={() => setCount(2 * count)}>
            {t("history.older")}
          </button>
        ) : (
          <button type="button" class="link" onClick={() => void plans.restore(0)}>
            {t("history.return")}
          </button>
        )}
      </li>
    </ol>
  );
}

/** What an edit did: "Painted: 34 cells", "Undone: merged · 12 cells". */
function kindWords(state: State, row: HistoryRow): string {
  const { t } = state;
  const own = doneWords(state, row.kind);
  const what = row.of === null ? own : t("did.join", { what: own, more: lowered(doneWords(state, row.of)) });
  const change = row.changes.length === 1 ? row.changes[0] : null;
  const grid = change ? /^grid\/(\d+)/.exec(change.path) : null;
  const locks = row.kind === "locked" || row.kind === "freed" ? lockWords(state, row.changes) : "";
  const base = change?.path === "base" ? (change.value as { made?: number; gone?: unknown[]; recut?: boolean }) : null;
  const parts = [
    base?.recut ? t("did.base.cells", { made: base.made ?? 0, gone: base.gone?.length ?? 0 }) : "",
    row.cells > 0 ? t("did.cells", { count: row.cells }) : "",
    locks,
    grid ? t("detail.grid", { code: shortCode(state.grids.value[Number(grid[1])]?.code ?? grid[1]) }) : "",
    change && typeof change.value === "string" ? `“${change.value}”` : "",
    row.edits > 1 ? `×${row.edits}` : "",
  ];
  const more = parts.filter(Boolean).join(" · ");
  if (more === "") return what;
  return row.of === null ? t("did.join", { what, more }) : `${what} · ${more}`;
}

/** What was locked or freed beside grids: cells, and borders by the codes of their grids. */
function lockWords({ t, grids }: State, changes: HistoryRow["changes"]): string {
  const codeOf = (ix: string): string => shortCode(grids.value[Number(ix)]?.code ?? ix);
  const cells = changes.filter(({ path }) => path.startsWith("lock/cell/")).length;
  const borders = changes.flatMap(({ path }) => {
    const found = /^lock\/border\/(\d+)\/(\d+)$/.exec(path);
    return found ? [`${codeOf(found[1])}–${codeOf(found[2])}`] : [];
  });
  const several = changes.filter(({ path }) => path.endsWith("/locked")).length;
  return [
    several > 1 ? `${several} ${t("totals.grids")}` : "",
    cells > 0 ? t("did.cells", { count: cells }) : "",
    borders.length > 0 ? t("did.borders", { pairs: borders.join(", ") }) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

const doneWords = ({ t }: State, kind: string): string =>
  t(`did.${kind}` in dictionaries.en ? (`did.${kind}` as Key) : "did.other");

const lowered = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1);
