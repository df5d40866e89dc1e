/** The map of a second plan beside or over the first: a worker, a state and a map of its own that move with it. */

import { batch, effect, untracked } from "@preact/signals";
import type L from "leaflet";
import type { Client } from "../api/client";
import type { EditingClient } from "../api/edits";
import type { PlanSummary } from "../api/types";
import { createActions } from "../state/actions";
import type { OtherMap } from "../state/compare";
import { createEditSession } from "../state/edit";
import { loadDraft } from "../state/editing-load";
import { connectNumbers } from "../state/numbers";
import { createState, type State } from "../state/state";
import { createTimings } from "../state/timings";
import { createEngine } from "../worker/engine";
import { createMap, type MapView } from "./adapter";
import { connectMap } from "./connect";
import { Paintbox } from "./paintbox";
import { tieMaps } from "./tie";

export interface First {
  state: State;
  map: MapView;
  client: Client;
  editing: Pick<EditingClient, "state">;
  root: string;
  startWorker: () => Worker;
}

export interface SecondMap extends OtherMap {
  readonly leaflet: L.Map;
}

/** Put the map of a plan into `host`, which has its size already. */
export function openOther({ state: first, map: main, client, editing, root, startWorker }: First, plan: PlanSummary, host: HTMLElement): SecondMap {
  // The classes of numbers are those of the first map, so that one colour means one thing.
  const state: State = { ...createState(first.lang.peek()), breaks: first.breaks };
  state.plans.value = [plan];
  const element = document.createElement("div");
  element.className = "map";
  host.append(element);
  const worker = startWorker();
  const engine = createEngine(worker, () => {
    state.failure.value = { code: "no-browser", status: 0, detail: "" };
    state.phase.value = "failed";
  });
  const map = createMap(element, engine, {
    click(lon, lat, cell) {
      if (cell !== undefined && cell >= 0) actions.selectCell(cell, lon, lat);
      else actions.clear();
    },
    hover(cell) {
      const grid = cell < 0 ? -1 : (state.gridIx.value?.[cell] ?? -1);
      state.hovered.value = grid < 0 ? null : grid;
    },
    painted: () => (state.painted.value = true),
  });
  // Its times are its own: those of the page are of the first map.
  const timings = createTimings({ timeOrigin: performance.timeOrigin, now: () => performance.now(), mark: () => undefined as never });
  const stays = { fit: () => undefined, reveal: () => undefined, baseReady: map.baseReady, clear: map.clear, prepare: map.prepare };
  const actions = createActions(state, client, engine, stays, timings, root);
  const session = createEditSession(state);
  const paintbox = new Paintbox(state, session);
  connectNumbers(state, session, client);
  const openGraph = (): void => {
    const [plan, gridIx] = [state.plan.peek(), state.gridIx.peek()];
    if (plan && gridIx) void session.open(() => loadDraft(client, editing, plan.id, plan.dataset_id, gridIx, state.revision.peek()));
  };

  const ends = [
    effect(() => void (state.lang.value = first.lang.value)),
    effect(() => void (state.theme.value = first.theme.value)),
    effect(() => void batch(() => ([state.mode.value, state.measure.value] = [first.mode.value, first.measure.value]))),
    effect(() => void (first.live.value = state.live.value || first.live.peek())),
  ];
  // Its graph is loaded only for the one number that needs it.
  ends.push(
    effect(() => {
      const needed = state.mode.value === "number" && state.measure.value === "streets" && state.phase.value === "ready";
      if (needed && session.phase.peek() === "off") untracked(openGraph);
    }),
  );
  // A grid that both plans have looks the same on both maps; before the map is painted.
  ends.push(
    effect(() => {
      const grids = state.grids.value;
      const colours = new Map(first.grids.peek().map(({ code, colour }) => [code, colour]));
      if (grids.every(({ code, colour }) => (colours.get(code) ?? colour) === colour)) return;
      state.grids.value = grids.map((grid) => ({ ...grid, colour: colours.get(grid.code) ?? grid.colour }));
    }),
  );
  connectMap(state, map, engine, timings, paintbox);
  // The classes stay when its own numbers come.
  ends.push(
    effect(() => {
      const gridIx = state.extra.value && state.gridIx.peek();
      if (gridIx) untracked(() => map.recolour(paintbox.build(gridIx)));
    }),
  );
  ends.push(effect(() => map.setWords({ map: state.t("compare.map", { name: plan.name }), zoomIn: state.t("map.zoomIn"), zoomOut: state.t("map.zoomOut") })));
  map.setMotion(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  map.resize();
  const untie = tieMaps(main.leaflet, map.leaflet);
  const watcher = new ResizeObserver(() => map.leaflet.invalidateSize({ animate: false, pan: true }));
  watcher.observe(element);
  void actions.openPlan(plan.id);

  return {
    state,
    element,
    leaflet: map.leaflet,
    point(at) {
      if (at) actions.selectCell(at.cell, at.lon, at.lat, { pin: true });
      else actions.clear();
    },
    mark(cells) {
      const palette = paintbox.mark(cells);
      if (palette) map.recolour(palette);
    },
    close() {
      watcher.disconnect();
      untie();
      for (const end of ends) end();
      map.leaflet.remove();
      worker.terminate();
      element.remove();
    },
  };
}
