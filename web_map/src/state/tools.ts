/** What the hand does with each tool. Knows nothing of the page: places come in, edits and a sketch go out. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { shortCode } from "../kernels/codes";
import { unitsPerMetre, unitToLonLat } from "../kernels/geometry";
import { admit, block, box, brushAlong, compound, lasso } from "../kernels/pick";
import { splitByLine } from "../kernels/split";
import type { Commands } from "./commands";
import type { EditSession, Hand, Tool } from "./edit";
import { type Ground, isCellFree } from "./editing-rules";
import type { State } from "./state";

/** A place on the map in units, with the cell there (-1 none). */
export interface Place {
  x: number;
  y: number;
  cell: number;
  /** Whether the cell belongs to what is drawn through it, as where the keyboard set a corner. */
  corner?: boolean;
}

export interface Modifiers {
  shift: boolean;
  ctrl: boolean;
  alt: boolean;
}

/** What is drawn under the hand, x0, y0, x1, y1, ... in units. */
export interface Sketch {
  kind: "line" | "area" | "box";
  points: number[];
  /** Short words at places. */
  marks?: { x: number; y: number; text: string }[];
}

export interface Toolbox {
  readonly sketch: ReadonlySignal<Sketch | null>;
  /** Where the pointer is; null outside of the map. */
  readonly pointer: Signal<Place | null>;
  /** Whether Alt is held, and whether strokes take away also without it. */
  readonly alt: Signal<boolean>;
  readonly sticky: Signal<boolean>;
  /** Whether the next stroke takes away. */
  readonly taking: ReadonlySignal<boolean>;
  /** The tool that these keys make of the chosen one; "pan" leaves the gesture to the map. */
  toolFor(keys: Modifiers): Tool;
  down(place: Place, keys: Modifiers): void;
  move(places: Place[]): void;
  up(): void;
  /** Break off what the hand does; whether it did anything. */
  cancel(): boolean;
  /** Take the grid that is here as the one that is worked on. */
  pick(place: Place): void;
  grow(factor: number): void;
}

/** One gesture from down to up. */
interface Gesture {
  move(places: Place[]): void;
  up(): void;
  cancel(): void;
}

const BRUSH_LEAST_M = 2;
const BRUSH_MOST_M = 2000;
/** Points nearer than this many units to the one before are left out of a drawn line: some centimetres. */
const FINE = 8;

/** What the tool "cut" draws on (state/cutting.ts). */
export interface CutHand {
  readonly sketch: ReadonlySignal<Sketch | null>;
  draw(points: readonly number[]): void;
  end(points: readonly number[]): void;
  cancel(): boolean;
}

/** The grid that a line splits: the one in which most of it runs; the chosen one where half as much runs in it. */
export function gridToSplit(along: ReadonlyMap<number, number>, chosen: number | null): number | undefined {
  const [longest] = [...along].sort((a, b) => b[1] - a[1]);
  if (chosen !== null && (along.get(chosen) ?? -1) >= (longest?.[1] ?? 0) / 2) return chosen;
  return longest?.[0];
}

export function createTools(state: State, session: EditSession, commands: Commands, cutting: CutHand | null = null): Toolbox {
  const sketch = signal<Sketch | null>(null);
  const pointer = signal<Place | null>(null);
  const alt = signal(false);
  const sticky = signal(false);
  const taking = computed(() => alt.value !== sticky.value);
  let gesture: Gesture | null = null;
  const gridAt = (place: Place): number => (place.cell < 0 ? -1 : (session.live?.gridOf[place.cell] ?? -1));

  // The grid that takes what is painted: none with Alt, the chosen one, else the one where the stroke begins.
  const targetOf = (place: Place | null, away: boolean): number | null => {
    if (away !== sticky.value) return -1;
    const chosen = state.selected.value;
    if (chosen !== null && session.book?.exists(chosen)) return chosen;
    const here = place ? gridAt(place) : -1;
    if (here < 0) {
      session.say("edit.chooseGrid");
      return null;
    }
    state.selected.value = here;
    return here;
  };

  const admitted = (cells: Uint32Array): Uint32Array => {
    const { ground } = session;
    const filter = session.filter.value;
    if (!ground) return cells;
    if (filter.kind === "unlocked") return cells.filter((cell) => isCellFree(ground, cell));
    return admit(cells, filter, ground.gridOf);
  };

  const picker = (tool: "paint" | "block" | "compound"): ((from: Place, to: Place) => Uint32Array) => {
    const { graph, anchors: at } = session.ground as Ground;
    if (tool === "block") return (_, { cell }) => block(at, cell < 0 ? -1 : graph.enclosureIx[cell]);
    if (tool === "compound") return (_, { cell }) => compound(at, cell < 0 ? -1 : graph.compoundIx[cell]);
    return (from, to) => {
      const radius = session.brushM.value * unitsPerMetre(to.y);
      return brushAlong(graph, at, [from.x, from.y, to.x, to.y], radius, to.cell);
    };
  };

  const painting = (tool: "paint" | "block" | "compound", start: Place, alt: boolean): Gesture | null => {
    const target = targetOf(start, alt);
    if (target === null) return null;
    const pick = picker(tool);
    const hand: Hand = session.begin(tool);
    let last = start;
    const go = (places: Place[]): void => {
      // A fast mouse has many places a frame: all of them are one step.
      const cells: number[] = [];
      for (const place of places) {
        for (const cell of pick(last, place)) cells.push(cell);
        last = place;
      }
      const wanted = admitted(Uint32Array.from(new Set(cells)));
      if (wanted.length > 0) hand.add(wanted, target);
    };
    if (tool === "compound" && start.cell >= 0 && pick(start, start).length === 0) session.say("edit.noCompound");
    go([start]);
    return { move: go, up: () => void hand.finish(), cancel: hand.abort };
  };

  // One building: taken where the hand goes down, given to the grid where it comes up; on the spot, to the chosen grid.
  const moving = (start: Place, alt: boolean): Gesture | null => {
    if (start.cell < 0) return null;
    let end = start;
    return {
      move: (places) => (end = places[places.length - 1] ?? end),
      up() {
        const away = gridAt(end) !== gridAt(start);
        const target = away && !alt ? gridAt(end) : targetOf(null, alt);
        if (target !== null) session.perform("move", admitted(Uint32Array.of(start.cell)), target);
      },
      cancel: () => undefined,
    };
  };

  const outlining = (
    kind: "area" | "line",
    start: Place,
    end: (points: number[], corners: number[]) => void,
    go?: (points: number[]) => void,
  ): Gesture => {
    const points = [start.x, start.y];
    const corners = start.corner ? [start.cell] : [];
    sketch.value = { kind, points };
    return {
      move(places) {
        for (const { x, y, cell, corner } of places) {
          if (corner) corners.push(cell);
          const at = points.length;
          if (Math.abs(points[at - 2] - x) + Math.abs(points[at - 1] - y) >= FINE) points.push(x, y);
        }
        sketch.value = { kind, points };
        go?.(points);
      },
      up() {
        sketch.value = null;
        end(points, corners);
      },
      cancel() {
        sketch.value = null;
        session.split.value = null;
      },
    };
  };

  const give = (kind: string, cells: Uint32Array, alt: boolean): void => {
    if (cells.length === 0) return;
    const target = targetOf(null, alt);
    if (target !== null) session.perform(kind, admitted(cells), target);
  };

  const boxing = (start: Place, alt: boolean): Gesture => {
    let end = start;
    return {
      move(places) {
        end = places[places.length - 1] ?? end;
        sketch.value = { kind: "box", points: [start.x, start.y, end.x, end.y] };
      },
      up() {
        sketch.value = null;
        const { graph, anchors } = session.ground as Ground;
        const [x0, x1] = [Math.min(start.x, end.x), Math.max(start.x, end.x)];
        const [y0, y1] = [Math.min(start.y, end.y), Math.max(start.y, end.y)];
        give("box", box(graph, anchors, [x0, y0, x1, y1]), alt);
      },
      cancel: () => (sketch.value = null),
    };
  };

  const splitting = (start: Place): Gesture => {
    const { ground, live } = session;
    // How far the line runs in each grid.
    const along = new Map<number, number>();
    let last = start;
    const preview = (points: number[], places: Place[]): void => {
      if (!ground || !live) return;
      for (const place of places) {
        const grid = gridAt(place);
        if (grid >= 0) along.set(grid, (along.get(grid) ?? 0) + Math.hypot(place.x - last.x, place.y - last.y));
        last = place;
      }
      const grid = gridToSplit(along, state.selected.peek());
      const halves = grid === undefined || points.length < 4 ? null : splitByLine(ground.graph, live, grid, points);
      const side = (cells: Uint32Array) => ({
        cells,
        households: cells.reduce((sum, cell) => sum + ground.graph.households[cell], 0),
      });
      session.split.value =
        halves && grid !== undefined ? { grid, left: side(halves.left), right: side(halves.right) } : null;
    };
    let fresh: Place[] = [start];
    const line = outlining(
      "line",
      start,
      () => {
        const view = session.split.value;
        session.split.value = null;
        if (view) commands.split(view.grid, view.left.cells, view.right.cells);
        else session.say("edit.splitNothing");
      },
      (points) => preview(points, fresh),
    );
    return {
      ...line,
      move(places) {
        fresh = [...fresh, ...places];
        line.move(places);
        fresh = [];
      },
    };
  };

  const dividing = (start: Place, hand: CutHand): Gesture => {
    hand.cancel();
    const points = [start.x, start.y];
    return {
      move(places) {
        for (const { x, y } of places) {
          const at = points.length;
          if (Math.abs(points[at - 2] - x) + Math.abs(points[at - 1] - y) >= FINE) points.push(x, y);
        }
        hand.draw(points);
      },
      up: () => hand.end(points),
      cancel: () => void hand.cancel(),
    };
  };

  // A click: joins the grid here to the chosen one; the first click chooses.
  const merging = (place: Place): void => {
    const here = gridAt(place);
    if (here < 0) return;
    const chosen = state.selected.value;
    if (chosen === null || chosen === here || !session.book?.exists(chosen)) {
      state.selected.value = here;
      session.say("edit.mergeWith", { code: shortCode(session.book?.grid(here).code ?? "") });
    } else commands.merge(chosen, here);
  };

  // A click locks or frees the grid; with Shift the cell; with Alt the border to the neighbour that is nearest.
  const locking = (place: Place, keys: Modifiers): void => {
    const { book, ground } = session;
    const here = gridAt(place);
    if (!book || !ground || place.cell < 0) return;
    if (keys.shift) commands.lockCells([place.cell], !book.lockedCells.has(place.cell));
    else if (keys.alt && here >= 0) {
      const other = nearestOther(ground.graph, ground.gridOf, place.cell);
      if (other !== null) commands.lockBorder(here, other, !book.isBorderLocked(here, other));
    } else if (here >= 0) commands.lockGrid(here, !book.lockedGrids.has(here));
  };

  // A click begins a note there; the panel asks for its text.
  const noting = (place: Place): void => {
    const [lon, lat] = unitToLonLat(place.x, place.y);
    state.note.value = null;
    state.newNote.value = { lon, lat };
  };

  const start = (tool: Tool, place: Place, keys: Modifiers): Gesture | null => {
    const { ground } = session;
    if (!ground) return null;
    switch (tool) {
      case "paint":
      case "block":
      case "compound":
        return painting(tool, place, keys.alt);
      case "move":
        return moving(place, keys.alt);
      case "lasso":
        return outlining("area", place, (ring, corners) => give("lasso", inRing(ground, ring, corners), keys.alt));
      case "draw":
        return outlining("area", place, (ring, corners) => {
          const cells = admitted(inRing(ground, ring, corners));
          if (cells.length > 0) commands.newGrid(cells);
        });
      case "box":
        return boxing(place, keys.alt);
      case "split":
        return splitting(place);
      case "cut":
        return cutting && dividing(place, cutting);
      case "merge":
        return { move: () => undefined, up: () => merging(place), cancel: () => undefined };
      case "lock":
        return { move: () => undefined, up: () => locking(place, keys), cancel: () => undefined };
      case "note":
        return { move: () => undefined, up: () => noting(place), cancel: () => undefined };
      case "pan":
        return null;
    }
  };

  return {
    sketch: computed(() => sketch.value ?? cutting?.sketch.value ?? null),
    pointer,
    alt,
    sticky,
    taking,
    toolFor({ shift, ctrl }) {
      if (session.phase.value !== "ready" || state.looking.value) return "pan";
      const tool = session.tool.value;
      if (tool === "lock" || tool === "note") return tool;
      return shift ? "lasso" : ctrl ? "box" : tool;
    },
    down(place, keys) {
      gesture?.cancel();
      session.message.value = null;
      gesture = start(this.toolFor(keys), place, keys);
      session.holding.value = gesture !== null;
    },
    move: (places) => gesture?.move(places),
    up() {
      const ending = gesture;
      gesture = null;
      ending?.up();
      session.holding.value = false;
    },
    cancel() {
      const ending = gesture;
      gesture = null;
      ending?.cancel();
      session.holding.value = false;
      return (cutting?.cancel() ?? false) || ending !== null;
    },
    pick(place) {
      const here = gridAt(place);
      if (here >= 0) state.selected.value = here;
    },
    grow(factor) {
      session.brushM.value = Math.round(Math.min(BRUSH_MOST_M, Math.max(BRUSH_LEAST_M, session.brushM.value * factor)));
    },
  };
}

function inRing({ graph, anchors }: Ground, ring: number[], corners: readonly number[]): Uint32Array {
  const inside = lasso(graph, anchors, ring);
  return corners.length === 0 ? inside : Uint32Array.from(new Set([...inside, ...corners])).sort();
}

/** The grid nearest to a cell that is not its own, by steps from cell to cell; null where it is alone. */
function nearestOther(
  graph: { indptr: Uint32Array; indices: Uint32Array },
  gridOf: Int32Array,
  cell: number,
): number | null {
  const seen = new Set([cell]);
  for (let ring = [cell]; ring.length > 0; ) {
    const next: number[] = [];
    for (const from of ring) {
      for (let at = graph.indptr[from]; at < graph.indptr[from + 1]; at++) {
        const other = graph.indices[at];
        if (gridOf[other] >= 0 && gridOf[other] !== gridOf[cell]) return gridOf[other];
        if (!seen.has(other) && gridOf[other] === gridOf[cell]) next.push(other);
        seen.add(other);
      }
    }
    ring = next;
  }
  return null;
}
