import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { GridProperties } from "../api/types";
import { formatNumber, formatPercent, type Key } from "../i18n";
import { shortCode } from "../kernels/codes";
import { type RowFigures, rowFigures } from "../state/livetable";
import { nextSort, type SortKey } from "../state/rows";
import { isComposing, useApp } from "./context";
import { Chip } from "./Chip";

const ROW = 38;
const ROW_NARROW = 48;
const MORE_ROWS = 4;

type ColumnKey = SortKey | "bar" | "pieces" | "streets";

/** Columns in their order, and how wide the panel must be for each. */
const COLUMNS: { key: ColumnKey; title?: Key; from: number }[] = [
  { key: "code", from: 0 },
  { key: "households", from: 0 },
  { key: "people", from: 420 },
  { key: "bar", from: 0 },
  { key: "deviation", title: "col.deviation.full", from: 0 },
  { key: "pieces", title: "col.pieces.full", from: 470 },
  { key: "area", from: 0 },
  { key: "compact", title: "col.compact.full", from: 0 },
  { key: "streets", title: "col.streets.full", from: 520 },
];

function useColumns(): typeof COLUMNS {
  const { state, edit } = useApp();
  const width = state.narrow.value ? 340 : state.panelWidth.value;
  const live = edit.phase.value === "ready";
  return COLUMNS.filter(({ key, from }) => width >= from && (live || (key !== "pieces" && key !== "streets")));
}

/** All grids; only the rows in sight are in the page, so that thousands scroll as lightly as ten. */
export function GridTable() {
  const { state, actions } = useApp();
  const { t, rows, grids, selected, hovered } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [focus, setFocus] = useState(0);
  const wantsFocus = useRef(false);
  const rowHeight = state.narrow.value ? ROW_NARROW : ROW;
  const order = rows.value;
  const columns = useColumns();

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setHeight(element.clientHeight));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  const reveal = (row: number): void => {
    const element = scroller.current;
    if (!element || row < 0) return;
    const head = element.querySelector("thead")?.offsetHeight ?? 0;
    const [from, to] = [row * rowHeight, (row + 1) * rowHeight];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (to > element.scrollTop + element.clientHeight - head) element.scrollTop = to - element.clientHeight + head;
    setTop(element.scrollTop);
  };

  useEffect(() => {
    if (selected.value === null) return;
    const row = order.indexOf(selected.value);
    if (row >= 0) setFocus(row);
    reveal(row);
  }, [selected.value, height]);

  const rowElement = (row: number): HTMLElement | null =>
    scroller.current?.querySelector<HTMLElement>(`tr[data-row="${row}"]`) ?? null;

  const first = Math.max(0, Math.floor(top / rowHeight) - MORE_ROWS);
  const end = Math.min(order.length, Math.ceil((top + height) / rowHeight) + MORE_ROWS);
  const tabRow = focus >= first && focus < end ? focus : first;

  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    const row = (event.target as Element).closest("tr")?.getAttribute("data-row");
    if (row === null || row === undefined) return;
    const at = Number(row);
    const jumps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 };
    const to = jumps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = Math.min(order.length - 1, Math.max(0, to));
      setFocus(next);
      reveal(next);
      const target = rowElement(next);
      target?.focus();
      wantsFocus.current = !target;
      hovered.value = order[next];
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      actions.selectGrid(order[at], { zoom: true });
    }
  };
  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    rowElement(focus)?.focus();
  });

  return (
    <div class="table-scroll" ref={scroller} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table class="grids" id="grids" aria-label={t("table")} aria-rowcount={order.length + 1} onKeyDown={onKeyDown}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ key, title }) => (
              <HeaderCell key={key} column={key} title={title} />
            ))}
          </tr>
        </thead>
        <tbody onMouseLeave={() => (hovered.value = null)}>
          <Gap rows={first} rowHeight={rowHeight} columns={columns.length} />
          {order.slice(first, end).map((grid, i) => (
            <tr
              key={grid}
              data-row={first + i}
              data-code={grids.value[grid].code}
              aria-rowindex={first + i + 2}
              aria-current={selected.value === grid ? "true" : undefined}
              class={rowClass(grid === selected.value, grid === hovered.value)}
              tabIndex={first + i === tabRow ? 0 : -1}
              onMouseEnter={() => (hovered.value = grid)}
              onFocus={() => (hovered.value = grid)}
              onBlur={() => (hovered.value = null)}
              onClick={() => actions.selectGrid(grid, { zoom: true })}
            >
              <RowCells ix={grid} grid={grids.value[grid]} columns={columns.map(({ key }) => key)} />
            </tr>
          ))}
          <Gap rows={order.length - end} rowHeight={rowHeight} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

const rowClass = (selected: boolean, hovered: boolean): string =>
  [selected ? "is-selected" : "", hovered ? "is-hovered" : ""].join(" ").trim();

function Gap({ rows, rowHeight, columns }: { rows: number; rowHeight: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="gap" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

function HeaderCell({ column, title }: { column: ColumnKey; title: Key | undefined }) {
  const { state } = useApp();
  const { t, sort } = state;
  const words = t(`col.${column}` as Key);
  if (column === "bar" || column === "pieces" || column === "streets")
    return (
      <th scope="col" class={`col-${column}`} title={title && t(title)}>
        <span>{words}</span>
      </th>
    );
  const sorted = sort.value.key === column;
  const direction = sorted ? (sort.value.ascending ? "ascending" : "descending") : undefined;
  return (
    <th scope="col" class={`col-${column}`} aria-sort={direction}>
      <button
        type="button"
        title={title ? t(title) : t("sort.by", { column: words })}
        onClick={() => (sort.value = nextSort(sort.value, column))}
      >
        {words}
        <span class="sort-mark" aria-hidden="true">
          {sorted ? (sort.value.ascending ? "▲" : "▼") : ""}
        </span>
      </button>
    </th>
  );
}

interface RowProps {
  ix: number;
  grid: GridProperties;
  columns: ColumnKey[];
}

/** The cells of a row. While a draft is edited only a row whose own figures changed is drawn anew. */
function RowCells({ ix, grid, columns }: RowProps) {
  const { state, edit, desk } = useApp();
  const live = useComputed(() => {
    void edit.version.value;
    return edit.live ? JSON.stringify(rowFigures(edit.live, ix)) : null;
  });
  const figures: RowFigures | null = live.value === null ? null : JSON.parse(live.value);
  const mean = useComputed(() => desk.totals.value?.means.get(grid.boundary_code ?? "") ?? null);
  const many = (state.detail.value?.boundaries.length ?? 0) > 1;
  const below = grid.name ?? (many ? grid.boundary_name : null);
  const households = figures?.households ?? grid.households;
  const [min, max] = state.bounds.value;
  const fits = households >= min && households <= max;
  const deviation = figures && mean.value ? households / mean.value - 1 : grid.deviation;
  const area = figures?.areaM2 ?? grid.area_m2;
  const people = grid.population === null ? null : (figures?.people ?? grid.population);
  const cells: Record<ColumnKey, () => preact.JSX.Element> = {
    code: () => (
      <th scope="row" class="col-code" title={[grid.code, grid.name, grid.boundary_name].filter(Boolean).join(" · ")}>
        <Chip grid={grid} />
        <span class="code">
          <b>{shortCode(grid.code)}</b>
          {figures?.inPieces ? (
            <small class="alert">! {state.t("row.pieces", { count: figures.pieces })}</small>
          ) : (
            below && <small>{below}</small>
          )}
        </span>
      </th>
    ),
    households: () => <td class="number">{formatNumber(households)}</td>,
    people: () => <td class="number">{people === null ? "–" : formatNumber(Math.round(people))}</td>,
    bar: () => (
      <td class="col-bar">
        <Bar households={households} />
      </td>
    ),
    deviation: () => (
      <td class="number">
        {deviation === null ? "–" : formatPercent(deviation)}
        {!fits && <b class="alert"> !</b>}
      </td>
    ),
    pieces: () => <td class={figures?.inPieces ? "number alert" : "number"}>{figures ? figures.pieces : "–"}</td>,
    area: () => <td class="number">{formatNumber(area / 10_000, area >= 1_000_000 ? 0 : 1)}</td>,
    compact: () => <td class="number">{formatNumber(figures?.compactness ?? grid.polsby_popper, 2)}</td>,
    streets: () => (
      <td class="number">{figures && figures.streetShare !== null ? Math.round(100 * figures.streetShare) : "–"}</td>
    ),
  };
  return <>{columns.map((key) => cells[key]())}</>;
}

/** Households as a bar against the bounds; the ticks are the minimum and the maximum. */
function Bar({ households }: { households: number }) {
  const { state } = useApp();
  const [min, max] = state.bounds.value;
  const end = max * 1.4;
  const percent = (value: number): string => `${Math.min(100, (100 * value) / end)}%`;
  const kind = households > max ? "over" : households < min ? "under" : "inside";
  const words = state.t("bar.text", { count: households, min, max });
  return (
    <span class={`bar ${kind}`} role="img" aria-label={words} title={words}>
      <span class="bar-fill" style={{ width: percent(households) }} />
      <span class="bar-tick" style={{ left: percent(min) }} />
      <span class="bar-tick" style={{ left: percent(max) }} />
    </span>
  );
}
