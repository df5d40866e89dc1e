/** The dispatcher's desk; loaded when somebody first goes there. */

import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { createCasesClient } from "./api/cases";
import type { Ask } from "./api/request";
import { connectCases, createCasesLayer, type FacilityMark, grids } from "./map/cases";
import { attachCaseKeys } from "./map/casekeys";
import type { MapView } from "./map/adapter";
import type { Paintbox } from "./map/paintbox";
import { CaseAreasBox } from "./panels/CaseAreas";
import { CaseContext, type DispatchContext } from "./panels/casecontext";
import { CaseDialogs } from "./panels/CaseDialogs";
import { CasePanel } from "./panels/CasePanel";
import { CaseStatus } from "./panels/CaseStatus";
import { CaseTools } from "./panels/CaseTools";
import type { Actions } from "./state/actions";
import { areaPalette, createCaseAreas } from "./state/caseareas";
import { createCall } from "./state/casecall";
import { worthAsking } from "./state/caselist";
import { createCaseDesk } from "./state/cases";
import { createBell } from "./state/casebell";
import { holdsAt } from "./state/force";
import { followPlans } from "./state/planswap";
import type { PlanSummary } from "./api/types";
import type { State } from "./state/state";

export interface DispatchParts {
  state: State;
  actions: Actions;
  ask: Ask;
  root: string;
  map: MapView;
  paintbox: Paintbox;
}

/** What the frame of the page shows of this desk. */
export interface DispatchRoom {
  Tools: () => ComponentChildren;
  Over: () => ComponentChildren;
  Panel: () => ComponentChildren;
  Status: () => ComponentChildren;
  Dialogs: () => ComponentChildren;
  /** A click on the map. */
  click(lon: number, lat: number): void;
  /** Whether Escape had something to close. */
  escape(): boolean;
  focusCall(): void;
  help(): void;
}

const FACILITIES = 9;

export function openDispatch({ state, actions, ask, root, map, paintbox }: DispatchParts): DispatchRoom {
  const storage = storageOf();
  const client = createCasesClient(ask, root);
  const bell = createBell(state);
  const show = showOnItsPlan(state, actions, map);
  const cases = createCaseDesk({ state, client, root, storage, show, ring: (what) => cases.sound.peek() && bell.ring(what) });
  const call = createCall({ state, cases, storage, show: map.show });
  const near = computed(() => (call.place.value ? call.near.value : cases.near.value));
  const asked = signal<readonly string[]>([]);
  const areas = createCaseAreas(state, client, asked);
  learnCategories(state, client, asked, near);

  const zoomTo = (code: string): void => {
    const grid = state.positions.peek().get(code);
    if (grid === undefined) return;
    state.selected.value = grid;
    actions.zoomToGrid(grid);
  };
  const focusCall = (): void => document.getElementById("call")?.focus();
  const plan = (): void => void (state.room.value = "plan");
  const layer: { now: ReturnType<typeof createCasesLayer> | null } = { now: null };
  const context: DispatchContext = {
    state, cases, call, areas, zoomTo, focusCall, plan, show: map.show,
    zoomToCases: (ids) => layer.now?.zoomTo(ids),
  }; // prettier-ignore

  const facilities = computed((): FacilityMark[] => {
    const found = near.value;
    if (typeof found === "string") return [];
    return found.slice(0, FACILITIES).map(({ lon, lat }, i) => ({ lon, lat, text: String(i + 1), strong: false }));
  });
  const shownAreas = computed((): FacilityMark[] =>
    (areas.areas.value?.facilities ?? []).map(({ lon, lat }) => ({ lon, lat, text: "+", strong: true })),
  );
  const place = computed(() => {
    const here = call.place.value;
    if (here) return { lon: here.lon, lat: here.lat, accuracy: call.accuracy.value, pin: true };
    const one = cases.chosen.value === null ? undefined : cases.rows.value.get(cases.chosen.value);
    return one ? { lon: one.lon, lat: one.lat, accuracy: one.accuracy_m, pin: false } : null;
  });
  const candidates = computed(() => {
    const called = call.place.value ? (call.answer.value?.choices ?? []) : null;
    const one = cases.chosen.value === null ? undefined : cases.rows.value.get(cases.chosen.value);
    const of = called ?? (one?.grid_code === null ? worthAsking(one.details.candidates ?? []) : []);
    return of.map(({ code }) => state.positions.value.get(code) ?? -1).filter((grid) => grid >= 0);
  });

  const answeredBy = computed(() => (call.answer.value ? String(call.answer.value.plan) : null));

  // Only while somebody is at this desk.
  effect(() => {
    if (state.room.value !== "dispatch") return undefined;
    const stops = [
      cases.start(),
      attachCaseKeys(state, cases, call, focusCall),
      bell.watch(cases),
      showAreas(state, areas.areas, map, paintbox),
      followPlans(state, answeredBy, actions.refreshPlans, (id) => {
        const [middle, zoom] = [map.leaflet.getCenter(), map.leaflet.getZoom()];
        void actions.openPlan(id);
        map.leaflet.setView(middle, zoom, { animate: false });
      }),
    ];
    layer.now = createCasesLayer(map.leaflet, grids(state));
    const drawn = connectCases(layer.now, state, () => ({
      cases: cases.list.value,
      chosen: cases.chosen.value,
      hovered: cases.hovered.value,
      fresh: cases.fresh.value,
      place: place.value,
      candidates: candidates.value,
      facilities: shownAreas.value.length > 0 ? [...shownAreas.value, ...facilities.value] : facilities.value,
    }));
    return () => {
      for (const stop of stops) stop();
      drawn();
      layer.now = null;
    };
  });
  showPlanInForce(state, actions);

  const within = (Body: () => ComponentChildren) => () => (
    <CaseContext.Provider value={context}>
      <Body />
    </CaseContext.Provider>
  );
  return {
    Tools: within(CaseTools),
    Over: within(CaseAreasBox),
    Panel: within(CasePanel),
    Status: within(CaseStatus),
    Dialogs: within(CaseDialogs),
    focusCall,
    help: () => void (cases.dialog.value = "keys"),
    click(lon, lat) {
      const ids = layer.now?.at(lon, lat) ?? [];
      if (ids.length === 0) return call.click(lon, lat);
      call.leave();
      // Several at one place are gone through one after the other; those that stand apart come apart.
      const at = ids.indexOf(cases.chosen.peek() ?? -1);
      if (ids.length > 1 && at < 0 && apart(ids.map((id) => cases.rows.peek().get(id)))) return layer.now?.zoomTo(ids);
      cases.choose(ids[(at + 1) % ids.length]);
    },
    escape() {
      if (cases.asked.peek() !== null) cases.asked.value = null;
      else if (state.caseUnknown.peek() !== null) state.caseUnknown.value = null;
      else if (call.place.peek() !== null) call.leave();
      else if (cases.chosen.peek() !== null) cases.choose(null);
      else if (areas.category.peek() !== null) areas.category.value = null;
      else return false;
      return true;
    },
  };
}

/** Bring a case into sight as soon as the map is there, on the plan in force at its place where that is another one. */
function showOnItsPlan(state: State, actions: Actions, map: MapView): (lon: number, lat: number) => void {
  const wanted = signal<readonly [lon: number, lat: number] | null>(null);
  effect(() => {
    if (wanted.value === null || state.phase.value !== "ready") return;
    const place = wanted.value;
    wanted.value = null;
    queueMicrotask(() => map.show(...place));
  });
  const within = ({ bbox }: PlanSummary, lon: number, lat: number): boolean =>
    bbox[0] <= lon && lon <= bbox[2] && bbox[1] <= lat && lat <= bbox[3];
  return (lon, lat) => {
    const plan = state.plan.peek();
    const other = plan && !within(plan, lon, lat) && state.plans.peek().find((each) => holdsAt(each, Date.now()) && within(each, lon, lat));
    if (other) void actions.openPlan(other.id);
    wanted.value = [lon, lat];
  };
}

/** Degrees that some cases must lie apart for the map to part them. */
const APART = 2e-5;

function apart(rows: readonly ({ lon: number; lat: number } | undefined)[]): boolean {
  const known = rows.filter((row) => row !== undefined);
  const spread = (of: number[]): number => Math.max(...of) - Math.min(...of);
  return Math.max(spread(known.map(({ lon }) => lon)), spread(known.map(({ lat }) => lat))) > APART;
}

function storageOf(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** Here the plan that holds is on the map, and on the way back the one that was on it before. */
function showPlanInForce(state: State, actions: Actions): void {
  let before: string | null = null;
  let room = state.room.peek() === "dispatch" ? "plan" : state.room.peek();
  effect(() => {
    const [now, plan, plans] = [state.room.value, state.plan.value, state.plans.value];
    if (now === room || !plan || plans.length === 0) return;
    room = now;
    if (now === "dispatch") {
      const holding = plans.filter((each) => holdsAt(each, Date.now()));
      if (holding.length === 0 || holdsAt(plan, Date.now())) return;
      before = plan.id;
      const [west, south, east, north] = plan.bbox;
      const here = holding.find(({ bbox }) => bbox[0] < east && bbox[2] > west && bbox[1] < north && bbox[3] > south);
      queueMicrotask(() => void actions.openPlan((here ?? holding[0]).id));
    } else if (before !== null) {
      const back = before;
      before = null;
      queueMicrotask(() => void actions.openPlan(back));
    }
  });
}

/** The categories of facilities that can be asked for: as the first place that was asked about named them. */
function learnCategories(
  state: State,
  client: ReturnType<typeof createCasesClient>,
  categories: { value: readonly string[]; peek(): readonly string[] },
  near: ReadonlySignal<readonly { category: string }[] | "loading" | "failed">,
): void {
  let asked = "";
  const learn = (found: readonly { category: string }[]): void => {
    const names = [...new Set(found.map(({ category }) => category))].sort();
    if (names.length > 0) categories.value = names;
  };
  effect(() => {
    const found = near.value;
    if (typeof found !== "string") learn(found);
  });
  effect(() => {
    const plan = state.plan.value;
    if (state.room.value !== "dispatch" || state.phase.value !== "ready" || !plan || asked === plan.id) return;
    asked = plan.id;
    const [west, south, east, north] = plan.bbox;
    client.near(Number(plan.id), (west + east) / 2, (south + north) / 2).then(learn, () => undefined);
  });
}

/** Colour the cells by the ways to the facilities, and as usual when that is over. */
function showAreas(state: State, areas: ReadonlySignal<import("./api/cases").ServiceAreas | null>, map: MapView, paintbox: Paintbox): () => void {
  let shown = false;
  const usual = (): void => {
    const gridIx = state.gridIx.peek();
    if (gridIx && shown) map.recolour(paintbox.build(gridIx));
    shown = false;
  };
  const stop = effect(() => {
    const [found, gridIx] = [areas.value, state.gridIx.value];
    // The usual colours are put on where these change; then ours again.
    void state.theme.value;
    void state.mode.value;
    if (!found || !gridIx || found.metres.length !== gridIx.length) return usual();
    shown = true;
    map.recolour(areaPalette(gridIx, found));
  });
  return () => {
    stop();
    usual();
  };
}
