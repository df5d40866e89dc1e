/** What the hand does on the map while base data are changed: points of outlines and lines, moving, retiring. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Position } from "../api/base";
import { lonLatToUnit, unitToLonLat } from "../kernels/geometry";
import type { Base, BaseTool, Shape } from "./base";
import { type Feature, moved, pathsOf, tidy } from "./baselist";
import type { Modifiers, Place, Sketch, Toolbox } from "./tools";

/** A hand that goes less far than this many metres times the reach has clicked. */
const CLICK = 0.5;
const DRAWING: Partial<Record<BaseTool, Shape>> = { building: "building", street: "street", barrier: "barrier", gate: "gate" };

const toDegrees = ({ x, y }: Place): Position => {
  const [lon, lat] = unitToLonLat(x, y);
  return [tidy(lon), tidy(lat)];
};

/**
 * The toolbox of the plan's tools, or, while base data are changed, of theirs: the map has one hand.
 */
export function routeTools(tools: Toolbox, base: Base): Toolbox {
  const hand = createBaseHand(base, tools.pointer);
  const pick = <T>(mine: T, others: T): T => (base.on.peek() ? mine : others);
  return {
    ...tools,
    sketch: computed(() => (base.on.value ? hand.sketch.value : tools.sketch.value)),
    taking: computed(() => !base.on.value && tools.taking.value),
    toolFor: (keys) => (base.on.peek() ? (hand.draws() ? "draw" : "pan") : tools.toolFor(keys)),
    down: (place, keys) => pick(hand.down, (at: Place, held: Modifiers) => tools.down(at, held))(place, keys),
    move: (places) => pick(hand.move, (at: Place[]) => tools.move(at))(places),
    up: () => pick(hand.up, () => tools.up())(),
    cancel: () => pick(hand.cancel, () => tools.cancel())(),
    pick: (place) => pick(hand.pick, (at: Place) => tools.pick(at))(place),
  };
}

interface BaseHand {
  sketch: ReadonlySignal<Sketch | null>;
  draws(): boolean;
  down(place: Place, keys: Modifiers): void;
  move(places: Place[]): void;
  up(): void;
  cancel(): boolean;
  pick(place: Place): void;
}

function createBaseHand(base: Base, pointer: ReadonlySignal<Place | null>): BaseHand {
  let start: Place | null = null;
  let end: Place | null = null;
  let held: Promise<Feature | null> | null = null;
  let free = false;
  const ghost = signal<Feature | null>(null);
  const drag = signal<{ feature: Feature; east: number; north: number } | null>(null);

  const sketch = computed<Sketch | null>(() => {
    const now = drag.value;
    if (now) return { kind: "area", points: pathsOf(moved(now.feature.geometry, now.east, now.north))[0].flatMap(([x, y]) => lonLatToUnit(x, y)) };
    const drawn = base.drawing.value;
    if (!drawn || drawn.points.length === 0) return null;
    const points = drawn.points.flatMap(([lon, lat]) => lonLatToUnit(lon, lat));
    const at = pointer.value;
    if (at && drawn.shape !== "gate") points.push(at.x, at.y);
    return { kind: drawn.shape === "building" && points.length >= 6 ? "area" : "line", points };
  });

  const metres = (a: Place, b: Place): number => {
    const [ax, ay] = toDegrees(a);
    const [bx, by] = toDegrees(b);
    return Math.hypot((bx - ax) * 111_320 * Math.cos((ay * Math.PI) / 180), (by - ay) * 110_574);
  };
  const clicked = (): boolean => start !== null && end !== null && metres(start, end) <= CLICK * base.reach();

  const isLine = (shape: Shape): boolean => shape === "street" || shape === "barrier";

  // The point is there at once; where a street is near it moves onto it, so that the two meet.
  const snap = async (shape: Shape, point: Position): Promise<void> => {
    const to = await base.snap(shape, point).catch(() => point);
    const now = base.drawing.value;
    if (now?.shape !== shape || to === point || !now.points.includes(point)) return;
    base.drawing.value = { shape, points: now.points.map((each) => (each === point ? [tidy(to[0]), tidy(to[1])] : each)) };
  };

  const addPoint = (shape: Shape, place: Place, free: boolean): void => {
    const now = base.drawing.value?.shape === shape ? base.drawing.value : { shape, points: [] };
    const point = toDegrees(place);
    const [first, last] = [now.points[0], now.points[now.points.length - 1]];
    const near = (other: Position | undefined): boolean => {
      if (!other) return false;
      const [x, y] = lonLatToUnit(other[0], other[1]);
      return metres(place, { ...place, x, y }) <= base.reach();
    };
    // A click on the first point closes an outline, a second one on the last point ends a line.
    if (shape === "building" && now.points.length >= 3 && near(first)) return void base.finish();
    if (isLine(shape) && now.points.length >= 2 && near(last)) return void base.finish();
    base.drawing.value = { shape, points: near(last) ? now.points : [...now.points, point] };
    if (shape === "gate") base.finish();
    else if (isLine(shape) && !free) void snap(shape, point);
  };

  const letGo = async (): Promise<void> => {
    const [from, to, wish, tool, click] = [start, end, held, base.tool.value, clicked()];
    start = end = held = null;
    if (!from || !to || !wish) return;
    const feature = await wish.catch(() => null);
    drag.value = null;
    if (!feature) return base.select(null);
    if (tool === "retire") return base.retire(feature);
    if (click) return base.select(feature);
    const [a, b] = [toDegrees(from), toDegrees(to)];
    base.moveTo(feature, moved(feature.geometry, b[0] - a[0], b[1] - a[1]));
  };

  return {
    sketch,
    draws: () => base.tool.value !== "look" && base.applying.value === null,
    down(place, keys) {
      free = keys.alt;
      [start, end] = [place, place];
      const shape = DRAWING[base.tool.value];
      if (shape) return addPoint(shape, place, free);
      const layers = base.tool.value === "move" ? (["buildings", "facilities"] as const) : undefined;
      const mine = (held = base.pick(toDegrees(place), layers));
      void mine.then(
        (feature) => {
          if (held === mine) ghost.value = feature;
        },
        () => undefined,
      );
    },
    move(places) {
      end = places[places.length - 1] ?? end;
      const feature = ghost.value;
      if (!start || !end || !held || !feature || base.tool.value !== "move" || clicked()) return;
      const [a, b] = [toDegrees(start), toDegrees(end)];
      drag.value = { feature, east: b[0] - a[0], north: b[1] - a[1] };
    },
    up() {
      const shape = DRAWING[base.tool.value];
      if (shape) {
        // Pulled from corner to corner: where it is let go is a point as well.
        if (start && end && !clicked() && base.drawing.value) addPoint(shape, end, free);
        start = end = null;
        return;
      }
      ghost.value = null;
      void letGo();
    },
    cancel() {
      const busy = start !== null || base.drawing.value !== null;
      start = end = held = null;
      drag.value = ghost.value = null;
      base.drawing.value = null;
      return busy;
    },
    pick: (place) => void base.pick(toDegrees(place)).then(base.select, () => undefined),
  };
}
