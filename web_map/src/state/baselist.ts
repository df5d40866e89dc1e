/** The changes of base data that wait to be applied: a list of steps that can be taken back, and what they make of a place. Pure. */

import type { BaseChange, Geometry, LayerFeature, Position } from "../api/base";

/** One change with what people need to see of it. */
export interface Pending {
  change: BaseChange;
  /** What it is called, in the words of the data; "" where it has no name. */
  name: string;
  /** Outline that it had, and values that stood there before. */
  was: Geometry | null;
  before: Record<string, unknown>;
}

/** What is listed, and taken back, as one: one change by hand, or all that a file brought. */
export interface Step {
  key: number;
  /** Name of the file; null: by hand. */
  file: string | null;
  items: Pending[];
}

/** A feature under the pointer: of the data version, or drawn and not applied yet (`step`). */
export interface Feature {
  layer: "buildings" | "streets" | "facilities" | "barriers";
  id: string | null;
  ix: number | null;
  step: number | null;
  name: string;
  geometry: Geometry;
  values: Record<string, unknown>;
}

const LAYER_OF: Partial<Record<BaseChange["layer"], Feature["layer"]>> = { gates: "facilities" };
const layerOf = ({ layer }: BaseChange): Feature["layer"] => LAYER_OF[layer] ?? (layer as Feature["layer"]);

/** Whether a change is of this feature. */
function isOf(change: BaseChange, feature: Feature): boolean {
  if (change.op === "add" || layerOf(change) !== feature.layer) return false;
  return feature.id !== null ? change.id === feature.id : change.ix !== undefined && change.ix === feature.ix;
}

export const countOf = (steps: readonly Step[]): number => steps.reduce((sum, step) => sum + step.items.length, 0);
export const changesOf = (steps: readonly Step[]): BaseChange[] => steps.flatMap((step) => step.items.map(({ change }) => change));

/** The step that holds the change with this number in the list that was sent. */
export function stepOfChange(steps: readonly Step[], number: number): { step: Step; item: Pending } | null {
  let at = number;
  for (const step of steps) {
    if (at < step.items.length) return { step, item: step.items[at] };
    at -= step.items.length;
  }
  return null;
}

/** How a change names a feature. */
export function naming(feature: Feature): Pick<BaseChange, "layer" | "id" | "ix"> {
  const { layer, id, ix } = feature;
  return { layer, ...(id === null ? {} : { id }), ...(id === null && ix !== null ? { ix } : {}) };
}

/**
 * The steps with one more. What is retired needs no other change: those of it are left out, and what was only drawn goes
 * with its step. A second move or count of the same thing takes the place of the first.
 */
export function withChange(steps: readonly Step[], step: Step, feature: Feature | null): Step[] {
  const [{ change }] = step.items;
  if (!feature || step.file !== null || change.op === "add") return [...steps, step];
  if (feature.step !== null) return changeDrawn(steps, feature.step, change);
  const replaced = (old: Pending): boolean =>
    isOf(old.change, feature) && (change.op === "retire" || old.change.op === change.op);
  const mine = steps.flatMap(({ items }) => items.filter(({ change: old }) => isOf(old, feature) && old.op === change.op));
  const first = mine[0];
  // What stood there before is what the data say, not what an earlier change made of it.
  const kept = first
    ? { ...step, items: [{ ...step.items[0], was: first.was, before: { ...step.items[0].before, ...first.before } }] }
    : step;
  const merged =
    first && change.op === "set"
      ? { ...kept, items: [{ ...kept.items[0], change: { ...change, values: { ...first.change.values, ...change.values } } }] }
      : kept;
  const left = steps.map((old) => ({ ...old, items: old.items.filter((item) => !replaced(item)) }));
  return [...left.filter(({ items }) => items.length > 0), merged];
}

// What is not applied yet is changed where it was drawn.
function changeDrawn(steps: readonly Step[], key: number, change: BaseChange): Step[] {
  if (change.op === "retire") return steps.filter((step) => step.key !== key);
  return steps.map((step) => {
    if (step.key !== key) return step;
    const [item] = step.items;
    const values = { ...item.change.values, ...change.values };
    const place = change.geometry ? { geometry: change.geometry } : {};
    const name = typeof values.name === "string" ? values.name : item.name;
    return { ...step, items: [{ ...item, name, change: { ...item.change, ...place, values } }] };
  });
}

/** Features of the data version as they are with the changes that wait: moved ones at their new place, retired ones gone. */
export function withPending(found: readonly Feature[], steps: readonly Step[]): Feature[] {
  const result = [...found];
  for (const { key, file, items } of steps) {
    for (const item of items) {
      const { change } = item;
      if (change.op === "add" && change.geometry && file === null) result.push(drawnFeature(key, item));
      const at = result.findIndex((feature) => isOf(change, feature));
      if (at < 0) continue;
      if (change.op === "retire") result.splice(at, 1);
      else if (change.op === "move" && change.geometry) result[at] = { ...result[at], geometry: change.geometry };
      else if (change.op === "set") result[at] = { ...result[at], values: { ...result[at].values, ...change.values } };
    }
  }
  return result;
}

/** What is drawn and not applied yet, and what moved, at their new places. */
export function movedFeatures(steps: readonly Step[]): Feature[] {
  const moved = steps.flatMap(({ items }) => items.filter(({ change }) => change.op === "move"));
  return moved.map(({ change, name, was, before }) => ({
    layer: layerOf(change),
    id: change.id ?? null,
    ix: change.ix ?? null,
    step: null,
    name,
    geometry: was as Geometry,
    values: before,
  }));
}

function drawnFeature(step: number, { change, name }: Pending): Feature {
  const values = change.values ?? {};
  return { layer: layerOf(change), id: null, ix: null, step, name, geometry: change.geometry as Geometry, values };
}

/** A feature as the server gives it. */
export function featureOf(layer: Feature["layer"], { id, geometry, properties }: LayerFeature): Feature | null {
  if (!geometry) return null;
  const own = layer === "buildings" ? String(properties.id) : null;
  return { layer, id: own, ix: layer === "buildings" ? null : id, step: null, name: nameOf(layer, properties), geometry, values: properties };
}

/** Name, else address, else number of a thing; compound before the number of a building where that is not in it. */
export function nameOf(layer: Feature["layer"], values: Record<string, unknown>): string {
  const text = (name: string): string => (typeof values[name] === "string" ? (values[name] as string) : "");
  if (layer !== "buildings") return text("name");
  const [name, compound] = [text("name"), text("compound")];
  if (name !== "" && compound !== "" && !name.includes(compound)) return `${compound} ${name}`;
  return name || text("address") || text("id");
}

/** The nearest of some features to a place, if it is there: gates before buildings before lines. */
export function featureAt(features: readonly Feature[], [x, y]: Position, metres: number): Feature | null {
  const scale = metresPerDegree(y);
  const near = (feature: Feature): number => distance(feature.geometry, x, y, scale);
  const rank = (feature: Feature): number => (feature.geometry.type === "Point" ? 0 : feature.layer === "buildings" ? 1 : 2);
  let best: Feature | null = null;
  let least: [number, number] = [9, 0];
  for (const feature of features) {
    const [kind, far] = [rank(feature), near(feature)];
    // Later ones lie over earlier ones: what was drawn last is meant.
    if (far <= metres && (kind < least[0] || (kind === least[0] && far <= least[1]))) [best, least] = [feature, [kind, far]];
  }
  return best;
}

/** Metres of a degree of longitude and of latitude. */
export const metresPerDegree = (lat: number): [number, number] => [111_320 * Math.cos((lat * Math.PI) / 180), 110_574];

/** The lists of positions that a geometry is made of; rings are closed. */
export function pathsOf(geometry: Geometry): Position[][] {
  switch (geometry.type) {
    case "Point":
      return [[geometry.coordinates]];
    case "LineString":
      return [geometry.coordinates];
    case "MultiPolygon":
      return geometry.coordinates.flat();
    default:
      return geometry.coordinates;
  }
}

/** Metres from a place to a geometry; 0 inside an outline. */
export function distance(geometry: Geometry, x: number, y: number, [east, north]: [number, number]): number {
  const area = geometry.type.endsWith("Polygon");
  let inside = false;
  let least = Infinity;
  for (const path of pathsOf(geometry)) {
    for (let i = 0; i < path.length; i++) {
      const [ax, ay] = [(path[Math.max(0, i - 1)][0] - x) * east, (path[Math.max(0, i - 1)][1] - y) * north];
      const [bx, by] = [(path[i][0] - x) * east, (path[i][1] - y) * north];
      const [dx, dy] = [bx - ax, by - ay];
      const along = Math.min(1, Math.max(0, -(ax * dx + ay * dy) / (dx * dx + dy * dy || 1)));
      least = Math.min(least, Math.hypot(ax + along * dx, ay + along * dy));
      if (area && ay > 0 !== by > 0 && ax - (ay * dx) / dy > 0) inside = !inside;
    }
  }
  return inside ? 0 : least;
}

/** A geometry that is moved by degrees. */
export function moved<T extends Geometry>(geometry: T, east: number, north: number): T {
  const shift = (value: unknown): unknown =>
    Array.isArray(value) && typeof value[0] === "number"
      ? [tidy(value[0] + east), tidy((value[1] as number) + north)]
      : (value as unknown[]).map(shift);
  return { ...geometry, coordinates: shift(geometry.coordinates) } as T;
}

/** Degrees with as many decimals as a tenth of a millimetre needs. */
export const tidy = (degrees: number): number => Math.round(degrees * 1e9) / 1e9;

/** Whether an outline crosses itself. */
export function crossesItself(ring: readonly Position[]): boolean {
  const n = ring.length;
  const side = (a: Position, b: Position, c: Position): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  for (let i = 0; i < n; i++) {
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue;
      const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[(j + 1) % n]];
      if (side(a, b, c) > 0 !== side(a, b, d) > 0 && side(c, d, a) > 0 !== side(c, d, b) > 0) return true;
    }
  }
  return false;
}

/** Square metres in a ring, metres along a line. */
export function measure(points: readonly Position[], closed: boolean): number {
  if (points.length === 0) return 0;
  const [east, north] = metresPerDegree(points[0][1]);
  let [area, length] = [0, 0];
  const last = closed ? points.length : points.length - 1;
  for (let i = 0; i < last; i++) {
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    const [ax, ay, bx, by] = [(a[0] - points[0][0]) * east, (a[1] - points[0][1]) * north, (b[0] - points[0][0]) * east, (b[1] - points[0][1]) * north];
    area += ax * by - bx * ay;
    length += Math.hypot(bx - ax, by - ay);
  }
  return closed ? Math.abs(area) / 2 : length;
}
