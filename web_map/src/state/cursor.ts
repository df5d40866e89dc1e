/** The cell of the keyboard: walks from cell to cell over common borders, and gives what it stands on to the chosen grid. */

import type { Graph } from "../kernels/adjacency";
import { shortCode } from "../kernels/codes";
import { unitToLonLat } from "../kernels/geometry";
import type { EditSession } from "./edit";
import type { KeyHand } from "./keyhand";
import type { State } from "./state";

export type Direction = "up" | "down" | "left" | "right";

export interface CellCursor {
  /** Walk one cell on; the first time to the cell nearest to `start` (units). */
  step(direction: Direction, start: [x: number, y: number]): void;
  /** Give the cell to the chosen grid, or to none; with a tool that does something else there, that. */
  assign(away: boolean, keys?: { shift?: boolean; alt?: boolean }): void;
  /** Put it away; whether there was one. */
  clear(): boolean;
}

const STEPS: Record<Direction, [x: number, y: number]> = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] };
/** Cosine of the widest angle to the direction at which a neighbour still counts. */
const WIDEST = 0.3;

export function createCursor(
  state: State,
  session: EditSession,
  show: (cell: number, lon: number, lat: number) => void,
  cut: (cell: number) => void = () => undefined,
  hand: Pick<KeyHand, "press"> | null = null,
): CellCursor {
  const say = (cell: number): void => {
    const { ground, book } = session;
    if (!ground || !book) return;
    const grid = ground.gridOf[cell];
    state.live.value = state.t("edit.cell", {
      name: state.t("edit.place", { cell: String(cell) }),
      households: ground.graph.households[cell],
      code: grid < 0 ? state.t("edit.none") : shortCode(book.grid(grid).code),
    });
  };

  const go = (cell: number): void => {
    const { ground } = session;
    if (!ground) return;
    session.cursor.value = cell;
    const [lon, lat] = unitToLonLat(ground.graph.anchor[2 * cell], ground.graph.anchor[2 * cell + 1]);
    show(cell, lon, lat);
    say(cell);
  };

  const note = (cell: number): void => {
    const { graph } = session.ground ?? {};
    if (!graph) return;
    const [lon, lat] = unitToLonLat(graph.anchor[2 * cell], graph.anchor[2 * cell + 1]);
    state.note.value = null;
    state.newNote.value = { lon, lat };
  };

  return {
    step(direction, [x, y]) {
      const { ground } = session;
      if (!ground || ground.graph.n === 0) return;
      const here = session.cursor.value;
      const next = here === null ? nearestCell(ground.graph, x, y) : neighbourTowards(ground.graph, here, direction);
      if (next !== null) go(next);
    },
    assign(away, { shift = false, alt = false } = {}) {
      const cell = session.cursor.value;
      const tool = session.tool.value;
      if (cell === null || (shift && tool !== "lock")) return;
      if (tool === "note") return note(cell);
      if (tool === "cut") return cut(cell);
      if (hand?.press(cell, away, { shift, alt })) return;
      const grid = away ? -1 : state.selected.value;
      if (grid === null) return session.say("edit.chooseGrid");
      if (!session.perform(tool === "move" ? "move" : "paint", [cell], grid)) return;
      if (grid < 0) return session.say("edit.takenAway", {});
      const { code, households } = state.grids.value[grid];
      session.say("edit.assigned", { code: shortCode(code), households });
    },
    clear() {
      const was = session.cursor.value !== null;
      if (was) state.cellOutline.value = null;
      session.cursor.value = null;
      return was;
    },
  };
}

/** The neighbour that lies best in a direction: near to it rather than near by; null where none does. */
export function neighbourTowards(graph: Graph, cell: number, direction: Direction): number | null {
  const { indptr, indices, anchor } = graph;
  const [dx, dy] = STEPS[direction];
  let best: number | null = null;
  let least = Infinity;
  for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
    const other = indices[at];
    const x = anchor[2 * other] - anchor[2 * cell];
    const y = anchor[2 * other + 1] - anchor[2 * cell + 1];
    const distance = Math.hypot(x, y);
    const cosine = (x * dx + y * dy) / (distance || 1);
    const cost = distance / cosine ** 2;
    if (cosine >= WIDEST && cost < least) [best, least] = [other, cost];
  }
  return best;
}

function nearestCell({ anchor, n }: Graph, x: number, y: number): number {
  let best = 0;
  for (let cell = 1; cell < n; cell++)
    if (squared(anchor, cell, x, y) < squared(anchor, best, x, y)) best = cell;
  return best;
}

const squared = (anchor: Int32Array, cell: number, x: number, y: number): number =>
  (anchor[2 * cell] - x) ** 2 + (anchor[2 * cell + 1] - y) ** 2;
