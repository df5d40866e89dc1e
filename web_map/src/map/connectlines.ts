/** Ties the lines over the tiles to the state: the plan in force, and the borders that are locked. */

import { effect } from "@preact/signals";
import type L from "leaflet";
import { commonBorder } from "../kernels/borders";
import { type Lines, type Polygons, takeFeature } from "../kernels/geometry";
import type { EditSession } from "../state/edit";
import type { State } from "../state/state";
import type { LinesEngine } from "../worker/lineswords";
import { LinesLayer } from "./lines";

export function connectLines(state: State, session: EditSession, map: L.Map, engine: LinesEngine): void {
  const layer = new LinesLayer().addTo(map);
  let toldOf: string | undefined;

  effect(() => layer.setTheme(state.theme.value));
  effect(() => {
    const shown = state.force.value === "ready" && state.phase.value === "ready" ? state.forceShown.value : "none";
    if (shown === "changes") compare();
    layer.setForce({ none: null, all: engine.draw, changes: engine.drawChanges }[shown]);
  });

  // The worker knows the outlines of the plan on the page from when they are first asked for.
  let told: Polygons | null = null;
  let shapes: ReadonlyMap<number, Polygons> = new Map();
  function compare(): void {
    const polygons = state.polygons.value;
    const now = state.shapes.value;
    if (!polygons) return;
    if (told !== polygons || toldOf !== state.plan.peek()?.id) {
      engine.compare(polygons);
      [told, toldOf, shapes] = [polygons, state.plan.peek()?.id, new Map()];
    }
    const edited = [...now].filter(([grid, shape]) => shapes.get(grid) !== shape);
    if (edited.length === 0) return;
    engine.edited(edited);
    shapes = now;
    layer.renewForce();
  }

  const find = createFinder(state);
  effect(() => {
    void session.attributesVersion.value;
    void state.shapes.value;
    const pairs = session.phase.value === "ready" ? (session.book?.lockedBorders() ?? []) : [];
    const lines = pairs.length > 0 && state.polygons.value ? find(pairs) : null;
    if (lines === state.lockedBorders.peek()) return;
    state.lockedBorders.value = lines;
    layer.setLocked(lines);
  });
}

// Finds the borders of pairs of grids, and again only those of grids whose outline is another one now.
function createFinder(state: State): (pairs: [number, number][]) => Lines {
  let source: Polygons | null = null;
  let cut = new Map<number, Polygons>();
  let known = new Map<string, { of: [Polygons, Polygons]; border: Lines }>();
  let joined: { parts: Lines[]; whole: Lines } | null = null;

  const shapeOf = (grid: number): Polygons => {
    const edited = state.shapes.peek().get(grid);
    if (edited) return edited;
    const found = cut.get(grid) ?? takeFeature(state.polygons.peek() as Polygons, grid);
    cut.set(grid, found);
    return found;
  };

  return (pairs) => {
    if (source !== state.polygons.peek()) {
      source = state.polygons.peek();
      cut = new Map();
    }
    const now: typeof known = new Map();
    for (const [a, b] of pairs) {
      const key = `${a} ${b}`;
      const of: [Polygons, Polygons] = [shapeOf(a), shapeOf(b)];
      const before = known.get(key);
      const same = before && before.of[0] === of[0] && before.of[1] === of[1];
      now.set(key, same ? before : { of, border: commonBorder(...of) });
    }
    known = now;
    const parts = [...known.values()].map(({ border }) => border);
    if (joined && parts.length === joined.parts.length && parts.every((part, i) => part === joined?.parts[i])) return joined.whole;
    joined = { parts, whole: joinLines(parts) };
    return joined.whole;
  };
}

function joinLines(parts: Lines[]): Lines {
  const coords = new Int32Array(parts.reduce((sum, part) => sum + part.coords.length, 0));
  const lineStart = [0];
  let at = 0;
  for (const part of parts) {
    coords.set(part.coords, at);
    for (const start of part.lineStart.subarray(1)) lineStart.push(at / 2 + start);
    at += part.coords.length;
  }
  return { coords, lineStart: Uint32Array.from(lineStart) };
}
