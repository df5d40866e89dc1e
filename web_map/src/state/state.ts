/** All that the page knows, as signals. Only actions.ts and the panels' own switches write them. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { CellInfo, DatasetSummary, GridProperties, PlanDetail, PlanSummary } from "../api/types";
import type { Key, Lang, Values } from "../i18n";
import { translate } from "../i18n";
import type { Lines, Polygons } from "../kernels/geometry";
import type { ColourMode } from "../kernels/palette";
import type { Theme } from "../worker/protocol";
import { breaksOf, type Column, type Measure, numberOf } from "./measures";
import { rowsOf, type Sort, type Totals, totalsOf, worstGrids } from "./rows";

export type Phase = "plans" | "empty" | "loading" | "ready" | "failed";
export type ForceShown = "changes" | "all" | "none";
export type Room = "plan" | "dispatch";
export type SheetHeight = "peek" | "half" | "full";

export interface Failure {
  code: string;
  status: number;
  detail: string;
}

/** A text pinned to a place. */
export interface Note {
  id: string;
  lon: number;
  lat: number;
  text: string;
}

/** A place that was clicked or looked up. */
export interface Spot {
  lon: number;
  lat: number;
  cellIx: number | null;
  status: "inside" | "on_border" | "outside";
  borderM: number | null;
  nearestCode: string | null;
  /** Building and numbers of the cell: undefined while loading, null where the server did not answer. */
  info: CellInfo | null | undefined;
  /** Whether the place itself (not only its cell) is meant and gets a pin. */
  pin: boolean;
}

export interface State {
  /** The desk that somebody is at. */
  room: Signal<Room>;
  /** The case that the page is about, as its address says; the dispatcher's desk keeps both true. */
  caseId: Signal<number | null>;
  /** What the address named as a case where there is none such. */
  caseUnknown: Signal<string | null>;
  /** What is chosen while this holds is no place to come back to. */
  passing: boolean;
  /** Number beside the title of the page: what waits for somebody to look. */
  badge: Signal<number>;
  lang: Signal<Lang>;
  theme: Signal<Theme>;
  narrow: Signal<boolean>;
  phase: Signal<Phase>;
  failure: Signal<Failure | null>;
  received: Signal<number>;
  /** Whether all that is in sight was on the page once; what can wait is loaded after that. */
  painted: Signal<boolean>;
  baseFailed: Signal<boolean>;
  plans: Signal<PlanSummary[]>;
  /** Data versions; read where there is no plan, and before one is made of them. */
  datasets: Signal<DatasetSummary[]>;
  plan: Signal<PlanSummary | null>;
  detail: Signal<PlanDetail | null>;
  grids: Signal<GridProperties[]>;
  polygons: Signal<Polygons | null>;
  /** Outlines of the grids that edits have changed, by number; a new map with every change. */
  shapes: Signal<ReadonlyMap<number, Polygons>>;
  /** Grid of each cell; in a draft the edit session changes it in place. */
  gridIx: Signal<Int32Array | null>;
  /** Revision of the plan that `gridIx` was loaded with. */
  revision: Signal<number>;
  /** Grids that are locked, and what joins the pieces of grids in pieces (x0, y0, x1, y1 in units); of a draft. */
  locked: Signal<ReadonlySet<number>>;
  links: Signal<readonly number[]>;
  /** The plan in force where this one lies: not asked for, on its way, there, none (or this one is it), not to be had. */
  force: Signal<"off" | "loading" | "ready" | "none" | "failed">;
  /** Which of its borders are shown: those that this plan has no longer, all, none. */
  forceShown: Signal<ForceShown>;
  legendOpen: Signal<boolean | null>;
  notes: Signal<Note[]>;
  showNotes: Signal<boolean>;
  /** The note that is chosen, and where one was begun that has no text yet. */
  note: Signal<string | null>;
  newNote: Signal<{ lon: number; lat: number } | null>;
  /** Where locked borders run; null where there are none. */
  lockedBorders: Signal<Lines | null>;
  /** Whether another plan is beside this one, and whether the map is only to be looked at because of it. */
  compared: Signal<boolean>;
  /** Whether a proposal is on the map. */
  proposed: Signal<boolean>;
  looking: Signal<boolean>;
  mode: Signal<ColourMode>;
  /** What the colours show where the mode is "number", the columns of the buildings that it could be, and the numbers by grid that come from cells. */
  measure: Signal<Measure>;
  columns: Signal<readonly Column[]>;
  extra: Signal<Float64Array | null>;
  hovered: Signal<number | null>;
  selected: Signal<number | null>;
  spot: Signal<Spot | null>;
  cellOutline: Signal<Polygons | null>;
  sort: Signal<Sort>;
  filter: Signal<string>;
  outOnly: Signal<boolean>;
  panelWidth: Signal<number>;
  panelHidden: Signal<boolean>;
  sheet: Signal<SheetHeight>;
  live: Signal<string>;
  rows: ReadonlySignal<number[]>;
  totals: ReadonlySignal<Totals>;
  worst: ReadonlySignal<ReturnType<typeof worstGrids>>;
  breaks: ReadonlySignal<number[]>;
  bounds: ReadonlySignal<[number, number]>;
  positions: ReadonlySignal<Map<string, number>>;
  t(key: Key, values?: Values): string;
}

export const DEFAULT_WIDTH = 340;
/** As many classes as the grids can bear: the root of their number, three to six. */
const classesFor = (grids: number): number => Math.min(6, Math.max(3, Math.round(Math.sqrt(grids))));

export function createState(lang: Lang): State {
  const plan = signal<PlanSummary | null>(null);
  const grids = signal<GridProperties[]>([]);
  const sort = signal<Sort>({ key: "code", ascending: true });
  const filter = signal("");
  const outOnly = signal(false);
  const measure = signal<Measure>("households");
  const extra = signal<Float64Array | null>(null);
  const chosen = signal<Lang>(lang);
  const bounds = computed<[number, number]>(() => plan.value?.bounds ?? [0, 0]);
  return {
    room: signal("plan"),
    caseId: signal(null),
    caseUnknown: signal(null),
    passing: false,
    badge: signal(0),
    lang: chosen,
    theme: signal("light"),
    narrow: signal(false),
    phase: signal("plans"),
    failure: signal(null),
    received: signal(0),
    painted: signal(false),
    baseFailed: signal(false),
    plans: signal([]),
    datasets: signal([]),
    plan,
    detail: signal(null),
    grids,
    polygons: signal(null),
    shapes: signal(new Map()),
    gridIx: signal(null),
    revision: signal(0),
    locked: signal(new Set()),
    links: signal([]),
    force: signal("none"),
    forceShown: signal("changes"),
    legendOpen: signal(null),
    notes: signal([]),
    showNotes: signal(true),
    note: signal(null),
    newNote: signal(null),
    lockedBorders: signal(null),
    compared: signal(false),
    proposed: signal(false),
    looking: signal(false),
    mode: signal("grid"),
    measure,
    columns: signal([]),
    extra,
    hovered: signal(null),
    selected: signal(null),
    spot: signal(null),
    cellOutline: signal(null),
    sort,
    filter,
    outOnly,
    panelWidth: signal(DEFAULT_WIDTH),
    panelHidden: signal(false),
    sheet: signal("peek"),
    live: signal(""),
    rows: computed(() => rowsOf(grids.value, filter.value, outOnly.value, sort.value)),
    totals: computed(() => totalsOf(grids.value, bounds.value)),
    worst: computed(() => worstGrids(grids.value, bounds.value)),
    breaks: computed(() => {
      const of = grids.value.map((grid, i) => (grid.retired ? null : numberOf(measure.value, grid, extra.value?.[i])));
      return breaksOf(measure.value, of.filter((value) => value !== null), classesFor(grids.value.length));
    }),
    bounds,
    positions: computed(() => new Map(grids.value.flatMap((grid, i) => (grid.retired ? [] : [[grid.code, i] as const])))),
    t: (key, values) => translate(chosen.value, key, values),
  };
}

/** How a grid stands to its bounds, in words. */
export function verdictOf(state: State, grid: GridProperties): string {
  const [min, max] = state.bounds.value;
  if (grid.households > max) return state.t("detail.over", { count: grid.households - max, max });
  if (grid.households < min) return state.t("detail.under", { count: min - grid.households, min });
  return state.t("detail.ok");
}
