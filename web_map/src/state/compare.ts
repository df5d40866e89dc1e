/** Two plans looked at together: which, how, and what changes hands from the one to the other. */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { Comparison } from "../api/edits";
import type { PlanSummary } from "../api/types";
import { movedCells } from "../kernels/moved";
import type { Desk } from "./desk";
import type { PlanActions } from "./deskplans";
import { holdsAt } from "./force";
import type { State } from "./state";

export type CompareView = "swipe" | "side";
export type MovedBuilding = Comparison["buildings"][number];
export type MovedPair = Comparison["pairs"][number];

/** The map of the other plan. */
export interface OtherMap {
  readonly state: State;
  readonly element: HTMLElement;
  /** Show a place and its cell; null: none. */
  point(at: { lon: number; lat: number; cell: number } | null): void;
  /** Stripe the cells that change hands. */
  mark(cells: Uint32Array): void;
  close(): void;
}

export interface Compare {
  /** How the plans are shown; null: one plan alone is on the page. */
  readonly view: Signal<CompareView | null>;
  /** The plan that this one is compared with, and those that it can be compared with, the likeliest first. */
  readonly other: ReadonlySignal<PlanSummary | null>;
  readonly others: ReadonlySignal<PlanSummary[]>;
  /** Where the divider stands, as a share of the width from the left. */
  readonly share: Signal<number>;
  readonly found: ReadonlySignal<Comparison | null>;
  readonly standing: ReadonlySignal<"none" | "busy" | "ready" | "failed">;
  /** Whether the plans stand on two data versions. */
  readonly twoVersions: ReadonlySignal<boolean>;
  /** Only buildings of this pair of grids, only those with this text. */
  readonly pair: Signal<MovedPair | null>;
  readonly text: Signal<string>;
  readonly buildings: ReadonlySignal<MovedBuilding[]>;
  readonly building: Signal<string | null>;
  readonly map: Signal<OtherMap | null>;
  open(): void;
  close(): void;
  choose(id: string): void;
  retry(): void;
  /** Zoom to a building on both maps. */
  go(building: MovedBuilding): void;
}

/** Plans of the same ground other than this one: those in force, the one that it was branched from, then the newest. */
export function comparable(plan: PlanSummary | null, plans: readonly PlanSummary[], now: number): PlanSummary[] {
  if (!plan) return [];
  const [west, south, east, north] = plan.bbox;
  const rank = (other: PlanSummary): number => {
    if (holdsAt(other, now)) return 0;
    if (other.id === String(plan.based_on)) return 1;
    return other.dataset_id === plan.dataset_id ? 2 : 3;
  };
  return plans
    .filter(({ id, bbox }) => id !== plan.id && bbox[0] < east && bbox[2] > west && bbox[1] < north && bbox[3] > south)
    .sort((a, b) => rank(a) - rank(b));
}

const includes = (building: MovedBuilding, text: string): boolean =>
  [building.name, building.address, building.id].some((each) => each?.toLowerCase().includes(text));

/** Buildings of a pair of grids that have a text in name, address or id. */
export function pickBuildings(all: readonly MovedBuilding[], pair: MovedPair | null, text: string): MovedBuilding[] {
  const wanted = text.trim().toLowerCase();
  return all.filter(
    (each) =>
      (pair === null || (each.from === pair.from && each.to === pair.to)) && (wanted === "" || includes(each, wanted)),
  );
}

/** The list as a sheet that Excel opens: a row a building. */
export function movedAsCsv(buildings: readonly MovedBuilding[], head: readonly string[]): string {
  // What a sheet would take for a formula is text.
  const field = (value: string | number | null): string => {
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) && typeof value !== "number" ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const rows = buildings.map(({ id, name, address, households, from, to }) => [id, name, address, households, from, to]);
  return `\ufeff${[head, ...rows].map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
}

/** Time after an edit after which the lists are asked for anew. */
const SETTLE_MS = 700;
const FIRST_SHARE = 0.5;

export function createCompare(state: State, desk: Desk, plans: Pick<PlanActions, "compare">): Compare {
  const view = signal<CompareView | null>(null);
  const chosen = signal<string | null>(null);
  const found = signal<Comparison | null>(null);
  const standing = signal<"none" | "busy" | "ready" | "failed">("none");
  const pair = signal<MovedPair | null>(null);
  const text = signal("");
  const building = signal<string | null>(null);
  const map = signal<OtherMap | null>(null);
  const others = computed(() => comparable(state.plan.value, state.plans.value, Date.now()));
  const other = computed(() => (view.value && others.value.find(({ id }) => id === chosen.value)) || null);
  const twoVersions = computed(() => other.value !== null && other.value.dataset_id !== state.plan.value?.dataset_id);
  const buildings = computed(() => pickBuildings(found.value?.buildings ?? [], pair.value, text.value));
  let turn = 0;

  const ask = async (fresh: boolean): Promise<void> => {
    const id = other.peek()?.id;
    if (id === undefined) return;
    const mine = ++turn;
    if (fresh) {
      batch(() => {
        found.value = pair.value = building.value = null;
        text.value = "";
        standing.value = "busy";
      });
    }
    const answer = await plans.compare(id);
    if (mine !== turn) return;
    batch(() => {
      if (answer) found.value = answer;
      standing.value = found.value ? "ready" : "failed";
      if (answer && fresh) state.live.value = state.t("compare.sum", { households: answer.households_moved });
    });
  };

  const close = (): void => {
    if (view.peek() === null) return;
    turn++;
    batch(() => {
      view.value = found.value = pair.value = building.value = null;
      standing.value = "none";
      if (desk.tab.peek() === "compare") desk.tab.value = "grids";
    });
  };

  // Another plan on the page ends it; another one to compare with begins anew.
  let plan = state.plan.peek()?.id;
  effect(() => {
    const now = state.plan.value?.id;
    if (now === plan) return;
    plan = now;
    untracked(close);
  });
  const otherId = computed(() => other.value?.id ?? null);
  effect(() => {
    if (otherId.value !== null) untracked(() => void ask(true));
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    void desk.arrivals.value;
    clearTimeout(timer);
    if (view.peek() !== null) timer = setTimeout(() => void ask(false), SETTLE_MS);
  });

  return {
    view,
    other,
    others,
    share: signal(FIRST_SHARE),
    found,
    standing,
    twoVersions,
    pair,
    text,
    buildings,
    building,
    map,
    open() {
      if (others.value.length === 0) return desk.say("compare.alone");
      batch(() => {
        if (!others.value.some(({ id }) => id === chosen.value)) chosen.value = others.value[0].id;
        view.value ??= "swipe";
        desk.tab.value = "compare";
        state.panelHidden.value = false;
      });
    },
    close,
    choose: (id) => void (chosen.value = id),
    retry: () => void ask(true),
    go(moved) {
      building.value = moved.id;
      desk.actions.openHit({
        kind: "building",
        title: moved.name ?? moved.address ?? moved.id,
        detail: null,
        grid_code: moved.to,
        cell_ix: moved.cell_to,
        lon: moved.lon,
        lat: moved.lat,
        bbox: null,
      });
      const spot = state.spot.peek();
      if (spot) state.spot.value = { ...spot, pin: true };
      map.value?.point({ lon: moved.lon, lat: moved.lat, cell: moved.cell_from });
    },
  };
}

/** Keep the stripes on both maps true: all cells that change hands, or of two data versions those with a building. */
export function connectMarks(state: State, compare: Compare, mark: (cells: Uint32Array) => void): void {
  let striped = false;
  effect(() => {
    const { view, map, found, twoVersions } = compare;
    const there = map.value?.state;
    const codes = state.grids.value.map(({ code }) => code);
    const [here, those] = [state.gridIx.value, there?.gridIx.value];
    if (view.value === null) {
      if (striped) untracked(() => mark(new Uint32Array(0)));
      striped = false;
      return;
    }
    if (!here || !there || !those) return;
    const buildings = found.value?.buildings ?? [];
    const [from, to] = twoVersions.value
      ? [sorted(buildings.map((each) => each.cell_from)), sorted(buildings.map((each) => each.cell_to))]
      : both(movedCells(those, there.grids.value.map(({ code }) => code), here, codes));
    striped = true;
    untracked(() => {
      mark(to);
      map.peek()?.mark(from);
    });
  });
}

const both = (cells: Uint32Array): [Uint32Array, Uint32Array] => [cells, cells];
const sorted = (cells: number[]): Uint32Array => Uint32Array.from(new Set(cells)).sort();
