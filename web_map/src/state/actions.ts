/** What the user and the server can make happen. */

import { batch } from "@preact/signals";
import { ApiError, type Client } from "../api/client";
import type { Bbox, GridProperties, PlanSummary, SearchHit } from "../api/types";
import { shortCode } from "../kernels/codes";
import { boxesOf, unitToLonLat } from "../kernels/geometry";
import type { Engine } from "../worker/engine";
import type { CellsLoaded, GridsLoaded } from "../worker/protocol";
import { type Failure, type Spot, type State, verdictOf } from "./state";
import type { Timings } from "./timings";

/** What actions need of the map. */
export interface Target {
  fit(bbox: Bbox, options?: { animate?: boolean; maxZoom?: number }): void;
  reveal(lon: number, lat: number): void;
  baseReady(): void;
  clear(): void;
  prepare(done: () => void): void;
}

/** A plan that was loaded anew behind the picture of it. */
export interface Fresh {
  plan: PlanSummary;
  gridIx: Int32Array;
  revision: number;
  grids: GridProperties[];
  /** Show it, with these properties of its grids; all in one frame, and the view stays. */
  take(grids: GridProperties[]): void;
}

export interface Actions {
  start(wanted: string | null): Promise<void>;
  openPlan(id: string): Promise<void>;
  /** Load the plan on the page anew behind its picture; null where another plan was opened meanwhile. */
  prepare(id: string): Promise<Fresh | null>;
  retry(): void;
  selectGrid(grid: number, options?: { zoom?: boolean }): void;
  selectCell(cellIx: number, lon: number, lat: number, options?: { pin?: boolean }): void;
  locate(lon: number, lat: number, options?: { pin?: boolean; zoom?: boolean }): Promise<void>;
  openHit(hit: SearchHit): void;
  zoomToGrid(grid: number): void;
  zoomToPlan(): void;
  /** Zoom to some cells; `anchor` holds a point in each (x and y, units of the world). */
  fitCells(anchor: ArrayLike<number>, cells: ArrayLike<number>): void;
  /** Ask for the list of plans anew, after one was made, renamed, published or deleted. */
  refreshPlans(): Promise<void>;
  reloadSpot(): void;
  /** Find the place that is looked at again, after cells got other numbers. */
  relocateSpot(): void;
  clear(): void;
}

const CLOSE_UP = 0.0012;
/** Degrees around points of cells, so that the cells themselves are in sight. */
const MARGIN = 0.0003;

export function createActions(
  state: State,
  client: Client,
  engine: Engine,
  target: Target,
  timings: Timings,
  root: string,
): Actions {
  let turn = 0;
  let giveUp: () => void = () => undefined;

  const fail = (error: unknown): void => {
    batch(() => {
      state.failure.value = failureOf(error);
      state.phase.value = "failed";
    });
  };

  const reset = (): void => {
    batch(() => {
      state.detail.value = null;
      state.grids.value = [];
      state.polygons.value = null;
      state.shapes.value = new Map();
      state.gridIx.value = null;
      state.selected.value = state.hovered.value = null;
      state.spot.value = null;
      state.cellOutline.value = null;
      state.filter.value = "";
      state.outOnly.value = false;
      state.received.value = 0;
      state.painted.value = false;
      state.failure.value = null;
      state.baseFailed.value = false;
    });
    target.clear();
  };

  const start = async (wanted: string | null): Promise<void> => {
    state.phase.value = "plans";
    state.failure.value = null;
    try {
      const plans = await client.plans();
      state.plans.value = plans;
      const first = plans.find((plan) => plan.id === wanted) ?? plans.find((plan) => plan.state === "published") ?? plans[0];
      if (first) await openPlan(first.id);
      else {
        state.datasets.value = await client.datasets();
        state.phase.value = "empty";
      }
    } catch (error) {
      fail(error);
    }
  };

  const openPlan: Actions["openPlan"] = async (id) => {
    const plan = state.plans.value.find((each) => each.id === id);
    if (!plan) return;
    const mine = ++turn;
    giveUp();
    reset();
    batch(() => {
      state.plan.value = plan;
      state.phase.value = "loading";
    });
    target.fit(plan.bbox, { animate: false });
    engine.load(root, plan.id, plan.dataset_id, {
      progress: (received) => (state.received.value = received),
      base: () => target.baseReady(),
      grids: ({ properties, polygons }) =>
        batch(() => {
          state.grids.value = properties;
          state.polygons.value = polygons;
        }),
      cells: (message) => {
        timings.take(message.timings);
        batch(() => {
          state.gridIx.value = message.gridIx;
          state.revision.value = message.revision;
          state.phase.value = "ready";
        });
      },
      failed: ({ what, code, status, detail }) => {
        if (what === "base") state.baseFailed.value = true;
        else fail(new ApiError(code, status, detail));
      },
    });
    try {
      const detail = await client.plan(plan.id);
      if (mine === turn) state.detail.value = detail;
    } catch (error) {
      if (mine === turn) fail(error);
    }
  };

  interface Parts {
    grids: GridsLoaded;
    cells: CellsLoaded;
  }

  const loadBehind = (plan: PlanSummary): Promise<Parts | null> =>
    new Promise((done, fail) => {
      let grids: GridsLoaded | null = null;
      let cells: CellsLoaded | null = null;
      let base = false;
      giveUp = () => done(null);
      const check = (): void => {
        if (grids && cells && base) target.prepare(() => done(grids && cells && { grids, cells }));
      };
      engine.loadBehind(root, plan.id, plan.dataset_id, {
        progress: () => undefined,
        base() {
          base = true;
          check();
        },
        grids: (message) => (grids = message),
        cells(message) {
          cells = message;
          check();
        },
        failed: ({ code, status, detail: words }) => fail(new ApiError(code, status, words)),
      });
    });

  const prepare: Actions["prepare"] = async (id) => {
    const mine = turn;
    // Base data that changed stand in another data version.
    const plans = await client.plans();
    const plan = plans.find((each) => each.id === id);
    if (!plan) throw new ApiError("not-found", 404, "");
    if (mine !== turn) return null;
    const [parts, detail] = await Promise.all([loadBehind(plan), client.plan(id)]);
    if (!parts || mine !== turn) return null;
    const { grids, cells } = parts;
    const take: Fresh["take"] = (properties) => {
      engine.swap();
      state.plans.value = plans;
      state.plan.value = plan;
      state.detail.value = detail;
      state.grids.value = properties;
      state.polygons.value = grids.polygons;
      state.shapes.value = new Map();
      state.hovered.value = null;
      state.revision.value = cells.revision;
      state.gridIx.value = cells.gridIx;
    };
    return { plan, gridIx: cells.gridIx, revision: cells.revision, grids: grids.properties, take };
  };

  const boxOfGrid = (grid: number): Bbox | null => {
    const edited = state.shapes.value.get(grid);
    const polygons = edited ?? state.polygons.value;
    const row = edited ? 0 : grid;
    if (!polygons || row + 1 >= polygons.featureStart.length) return null;
    const first = polygons.ringStart[polygons.featureStart[row]];
    const end = polygons.ringStart[polygons.featureStart[row + 1]];
    if (first === end) return null;
    const [x0, y0, x1, y1] = boxesOf(polygons.coords, Uint32Array.of(first, end));
    return [...unitToLonLat(x0, y1), ...unitToLonLat(x1, y0)] as Bbox;
  };

  const zoomToGrid = (grid: number): void => {
    const box = boxOfGrid(grid);
    if (box) target.fit(box, { maxZoom: 17 });
  };

  const choose = (grid: number | null, spot: Spot | null): void => {
    batch(() => {
      state.selected.value = grid;
      state.spot.value = spot;
      state.cellOutline.value = null;
      if (state.narrow.value && state.sheet.value === "peek") state.sheet.value = "half";
      const properties = grid === null ? undefined : state.grids.value[grid];
      state.live.value = properties
        ? state.t("live.grid", {
            code: shortCode(properties.code),
            households: properties.households,
            verdict: verdictOf(state, properties),
          })
        : state.t("live.outside");
    });
    if (spot) target.reveal(spot.lon, spot.lat);
  };

  const loadCell = async (cellIx: number): Promise<void> => {
    const plan = state.plan.value;
    if (!plan) return;
    const current = (): boolean => state.plan.value === plan && state.spot.value?.cellIx === cellIx;
    engine.outline(cellIx, (polygon) => {
      if (current()) state.cellOutline.value = polygon;
    });
    const info = await client.cell(plan.id, cellIx).catch(() => null);
    if (current() && state.spot.value) state.spot.value = { ...state.spot.value, info };
  };

  const selectCell: Actions["selectCell"] = (cellIx, lon, lat, options = {}) => {
    const grid = state.gridIx.value?.[cellIx] ?? -1;
    const spot: Spot = {
      lon,
      lat,
      cellIx,
      status: "inside",
      borderM: null,
      nearestCode: null,
      info: undefined,
      pin: options.pin ?? false,
    };
    choose(grid < 0 ? null : grid, spot);
    void loadCell(cellIx);
  };

  const locate: Actions["locate"] = async (lon, lat, options = {}) => {
    const plan = state.plan.value;
    if (!plan) return;
    const pin = options.pin ?? true;
    try {
      const answer = await client.locate(plan.id, lon, lat);
      if (state.plan.value !== plan) return;
      const grid = answer.grid_code === null ? undefined : state.positions.value.get(answer.grid_code);
      const spot: Spot = {
        lon,
        lat,
        cellIx: answer.cell_ix,
        status: answer.status,
        borderM: answer.border_m,
        nearestCode: answer.nearest_code,
        info: answer.cell_ix === null ? null : undefined,
        pin,
      };
      choose(grid ?? null, spot);
      if (answer.cell_ix !== null) void loadCell(answer.cell_ix);
      if (options.zoom) target.fit(around(lon, lat), { maxZoom: 17 });
    } catch (error) {
      const { detail } = failureOf(error);
      state.live.value = detail || state.t("error.noConnection");
    }
  };

  const openHit: Actions["openHit"] = (hit) => {
    const grid = hit.grid_code === null ? undefined : state.positions.value.get(hit.grid_code);
    if (hit.kind === "grid" && grid !== undefined) {
      choose(grid, null);
      return zoomToGrid(grid);
    }
    if (hit.cell_ix !== null) selectCell(hit.cell_ix, hit.lon, hit.lat);
    else void locate(hit.lon, hit.lat);
    const box = hit.kind === "street" && hit.bbox ? hit.bbox : around(hit.lon, hit.lat);
    target.fit(box, { maxZoom: 18 });
  };

  const refreshPlans = async (): Promise<void> => {
    const plans = await client.plans();
    batch(() => {
      state.plans.value = plans;
      const now = plans.find((plan) => plan.id === state.plan.value?.id);
      if (now && state.plan.value?.state === now.state) state.plan.value = now;
    });
  };

  return {
    start,
    openPlan,
    prepare,
    retry: () => void (state.plan.value ? openPlan(state.plan.value.id) : start(null)),
    selectGrid(grid, options = {}) {
      choose(grid, null);
      if (options.zoom) zoomToGrid(grid);
    },
    selectCell,
    locate,
    openHit,
    zoomToGrid,
    zoomToPlan() {
      if (state.plan.value) target.fit(state.plan.value.bbox);
    },
    fitCells(anchor, cells) {
      let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let i = 0; i < cells.length; i++) {
        const [x, y] = [anchor[2 * cells[i]], anchor[2 * cells[i] + 1]];
        [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
      }
      if (cells.length === 0) return;
      const [[west, south], [east, north]] = [unitToLonLat(x0, y1), unitToLonLat(x1, y0)];
      target.fit([west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN], { maxZoom: 18 });
    },
    refreshPlans,
    relocateSpot() {
      const [plan, spot] = [state.plan.peek(), state.spot.peek()];
      if (!plan || !spot || spot.cellIx === null) return;
      const lost = { ...spot, cellIx: null, info: undefined };
      state.spot.value = lost;
      state.cellOutline.value = null;
      const show = (cellIx: number | null): void => {
        if (state.spot.peek() !== lost) return;
        state.spot.value = { ...lost, cellIx, info: cellIx === null ? null : undefined };
        if (cellIx !== null) void loadCell(cellIx);
      };
      void client.locate(plan.id, spot.lon, spot.lat).then((answer) => show(answer.cell_ix), () => show(null));
    },
    reloadSpot() {
      const spot = state.spot.value;
      if (!spot || spot.cellIx === null) return;
      state.spot.value = { ...spot, info: undefined };
      void loadCell(spot.cellIx);
    },
    clear() {
      if (state.selected.value === null && state.spot.value === null) return;
      batch(() => {
        state.selected.value = null;
        state.spot.value = null;
        state.cellOutline.value = null;
        state.live.value = state.t("live.cleared");
      });
    },
  };
}

const around = (lon: number, lat: number): Bbox => [lon - CLOSE_UP, lat - CLOSE_UP, lon + CLOSE_UP, lat + CLOSE_UP];

function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return { code: error.code, status: error.status, detail: error.message };
  return { code: "unreadable", status: 0, detail: error instanceof Error ? error.message : "" };
}
