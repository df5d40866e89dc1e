/**
 * Cutting one cell: a line is drawn across it, both parts show what they would hold, the planner says it in numbers, and
 * the server divides the building's ground (a change of base data). `join` makes the parts one building again.
 */

import { batch, computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import type { CutChange } from "../api/base";
import type { BuildingInfo } from "../api/types";
import type { Key, Values } from "../i18n";
import { apportion, cutGround, type Ground, lineAcross, toEdges } from "../kernels/cutground";
import { type Polygons, unitToLonLat } from "../kernels/geometry";
import type { BaseSender } from "./basesend";
import type { Desk } from "./desk";
import type { Sketch } from "./tools";

/** A part of the cell as it would be. */
export interface CutPart extends Ground {
  households: number;
  /** Null: shared out as the households are. */
  people: number | null;
}

export interface CutView {
  cell: number;
  line: readonly number[];
  /** Shares by ground while the line is drawn; what the planner says after it. */
  parts: readonly CutPart[];
  /** What stands on the cell; empty until the server has said it. */
  buildings: readonly BuildingInfo[];
  /** The building that is divided; null while the line is drawn. */
  building: BuildingInfo | null;
  /** Angle and place of a straight line; null of one that was drawn. */
  straight: { angle: number; share: number } | null;
  sending: boolean;
  /** Why the server refused. */
  fault: string | null;
}

export interface Cutting {
  readonly view: ReadonlySignal<CutView | null>;
  readonly sketch: ReadonlySignal<Sketch | null>;
  /** The line is drawn so far; its middle says which cell. */
  draw(points: readonly number[]): void;
  /** The hand lets go. */
  end(points: readonly number[]): void;
  /** Begin with a straight line across a cell, for the keyboard. */
  open(cell: number): void;
  turn(angle: number, share: number): void;
  choose(id: string): void;
  /** Say what a part holds; of two parts the other one holds the rest. */
  setHouseholds(part: number, households: number): void;
  setPeople(part: number, people: number): void;
  apply(): Promise<void>;
  join(building: BuildingInfo): Promise<void>;
  cancel(): boolean;
}

/** What cutting needs of the map. */
export interface CutMap {
  outline(cell: number, done: (polygon: Polygons) => void): void;
  cellAt(x: number, y: number): number;
}

/** Households and people that are said for the parts beyond what the building has; null where they add up. */
export function excess({ parts, building }: CutView): { households: number; people: number } | null {
  if (!building) return null;
  const households = parts.reduce((sum, part) => sum + part.households, 0) - building.households;
  const said = parts.every(({ people }) => people !== null);
  const people = said ? parts.reduce((sum, part) => sum + (part.people ?? 0), 0) - (building.population ?? 0) : 0;
  return households === 0 && Math.abs(people) < 1e-6 ? null : { households, people };
}

/** A number without the dust that adding leaves. */
const tidy = (value: number): number => Number(value.toFixed(6));

/** The parts with one number changed; of two parts the other one takes the rest, as far as there is any. */
export function withNumber(
  parts: readonly CutPart[],
  which: number,
  name: "households" | "people",
  value: number,
  total: number,
): CutPart[] {
  const rest = tidy(Math.max(0, total - value));
  return parts.map((part, at) => {
    if (at === which) return { ...part, [name]: value };
    return parts.length === 2 ? { ...part, [name]: rest } : part;
  });
}

export function createCutting(desk: Desk, sender: BaseSender, map: CutMap): Cutting {
  const { state, edit } = desk;
  const view = signal<CutView | null>(null);
  /** A line across no cell yet. */
  const loose = signal<readonly number[] | null>(null);
  const sketch = computed<Sketch | null>(() => {
    const now = view.value;
    if (!now) return loose.value && { kind: "line", points: [...loose.value] };
    const text = (part: CutPart, at: number): string => (now.building ? `${at + 1}: ${part.households}` : String(part.households));
    const marks = now.parts.length < 2 ? [] : now.parts.map((part, at) => ({ x: part.x, y: part.y, text: text(part, at) }));
    return { kind: "line", points: polygon ? toEdges(polygon, now.line) : [...now.line], marks };
  });
  let target = -1;
  let polygon: Polygons | null = null;

  const say = (key: Key, values: Values = {}): void => edit.say(key, values);

  const shared = (line: readonly number[], households: number, population: number | null): CutPart[] => {
    if (!polygon) return [];
    const grounds = cutGround(polygon, line);
    const shares = grounds.map(({ share }) => share);
    const counts = apportion(households, shares);
    const people = population === null ? null : apportion(Math.round(population), households > 0 ? counts : shares);
    // What is no whole number goes to the last part.
    if (people && population !== null) {
      const rest = people.slice(0, -1).reduce((sum, each) => sum + each, 0);
      people[people.length - 1] = tidy(population - rest);
    }
    return grounds.map((ground, i) => ({ ...ground, households: counts[i], people: people?.[i] ?? null }));
  };

  const show = (line: readonly number[], more: Partial<CutView> = {}): void => {
    const graph = edit.ground?.graph;
    if (target < 0 || !polygon || !graph) return;
    const now = view.value;
    const building = now?.building ?? null;
    const parts = shared(line, building?.households ?? graph.households[target], building?.population ?? null);
    const blank = { buildings: [], building: null, straight: null, sending: false, fault: null };
    view.value = { ...blank, ...(now?.cell === target ? now : {}), fault: null, cell: target, line, parts, ...more };
  };

  const look = (cell: number, then: () => void): void => {
    target = cell;
    polygon = null;
    map.outline(cell, (found) => {
      if (target !== cell) return;
      polygon = found;
      state.cellOutline.value = found;
      then();
    });
  };

  const middleCell = (points: readonly number[]): number => {
    const lengths: number[] = [];
    for (let at = 0; at + 3 < points.length; at += 2)
      lengths.push(Math.hypot(points[at + 2] - points[at], points[at + 3] - points[at + 1]));
    let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
    for (let k = 0; k < lengths.length; k++) {
      if (left <= lengths[k] || k === lengths.length - 1) {
        const t = lengths[k] > 0 ? left / lengths[k] : 0;
        const [x, y] = [points[2 * k], points[2 * k + 1]];
        return map.cellAt(x + t * (points[2 * k + 2] - x), y + t * (points[2 * k + 3] - y));
      }
      left -= lengths[k];
    }
    return -1;
  };

  /** Ask what stands on the cell, and let the planner decide. */
  const decide = async (): Promise<void> => {
    const plan = state.plan.peek();
    const cell = target;
    if (!plan) return;
    let buildings: readonly BuildingInfo[];
    try {
      ({ buildings } = await desk.client.cell(plan.id, cell));
    } catch {
      cutting.cancel();
      return desk.say("cutcell.away", {}, true);
    }
    const now = view.value;
    if (now?.cell !== cell) return;
    const most = [...buildings].sort((a, b) => b.households - a.households)[0];
    if (!most) {
      cutting.cancel();
      return say("cutcell.empty");
    }
    view.value = { ...now, buildings, building: most };
    show(now.line);
    const { parts } = view.value;
    state.live.value = state.t("cutcell.parts", { name: most.name ?? most.id, parts: parts.map((part) => part.households).join(" + ") });
  };

  /** Send one change of base data; null where it went well, else why not. */
  const send = async (change: CutChange): Promise<{ key: Key; values: Values } | null> => {
    const sent = await sender.send([change], null);
    if (sent === null) return { key: "base.busy", values: {} };
    if (sent.kind === "done") return null;
    if (sent.kind === "refused") return { key: "error.refused", values: { detail: sent.detail } };
    const keys = { away: "cutcell.away", stale: "plan.stale", unsaved: "plan.notSaved", cancelled: "base.cancelled" } as const;
    return { key: keys[sent.kind], values: {} };
  };

  const cutting: Cutting = {
    view,
    sketch,
    draw(points) {
      if (points.length < 4) return;
      const cell = middleCell(points);
      if (cell >= 0 && cell !== target) {
        view.value = null;
        look(cell, () => show(points));
      } else if (cell === target) show(points, { building: null, straight: null });
      if (view.value === null) loose.value = [...points];
    },
    end(points) {
      const cell = points.length < 4 ? -1 : middleCell(points);
      if (cell < 0) {
        cutting.cancel();
        return say("cutcell.miss");
      }
      const go = (): void => {
        show(points, { building: null, straight: null });
        if ((view.value?.parts.length ?? 0) < 2) {
          cutting.cancel();
          return say("cutcell.miss");
        }
        void decide();
      };
      if (cell === target && polygon) go();
      else look(cell, go);
    },
    open(cell) {
      look(cell, () => {
        if (!polygon) return;
        view.value = null;
        const straight = { angle: longWay(polygon), share: 0.5 };
        show(lineAcross(polygon, straight.angle, straight.share), { straight });
        void decide();
      });
    },
    turn(angle, share) {
      if (polygon && view.value) show(lineAcross(polygon, angle, share), { straight: { angle, share } });
    },
    choose(id) {
      const now = view.value;
      const building = now?.buildings.find((each) => each.id === id);
      if (!now || !building) return;
      view.value = { ...now, building };
      show(now.line);
    },
    setHouseholds(part, households) {
      const now = view.value;
      if (now?.building)
        view.value = { ...now, fault: null, parts: withNumber(now.parts, part, "households", households, now.building.households) };
    },
    setPeople(part, people) {
      const now = view.value;
      if (now?.building?.population != null)
        view.value = { ...now, fault: null, parts: withNumber(now.parts, part, "people", people, now.building.population) };
    },
    async apply() {
      const now = view.value;
      if (!now?.building || now.sending || now.parts.length < 2 || excess(now)) return;
      const { building, line, parts } = now;
      view.value = { ...now, sending: true, fault: null };
      const coordinates: [number, number][] = [];
      for (let at = 0; at + 1 < line.length; at += 2) coordinates.push(unitToLonLat(line[at], line[at + 1]));
      const fault = await send({
        op: "cut",
        layer: "buildings",
        id: building.id,
        geometry: { type: "LineString", coordinates },
        parts: parts.map(({ x, y, households, people }) => ({ at: unitToLonLat(x, y), households, population: people })),
      });
      const shown = view.value?.sending ? view.value : null;
      if (fault === null) {
        if (shown) cutting.cancel();
        desk.say("cutcell.done", { name: building.name ?? building.id, count: parts.length });
      } else if (shown) {
        const detail = fault.key === "error.refused" ? String(fault.values.detail) : state.t(fault.key);
        view.value = { ...shown, sending: false, fault: detail };
        state.live.value = detail;
      } else desk.say(fault.key, fault.values, true);
    },
    async join(building) {
      const whole = building.source_id ?? building.id;
      const fault = await send({ op: "join", layer: "buildings", id: building.id });
      if (fault === null) desk.say("cutcell.joined", { name: building.name ?? whole });
      else desk.say(fault.key, fault.values, true);
    },
    cancel() {
      const was = sketch.value !== null;
      batch(() => {
        view.value = loose.value = null;
        if (target >= 0) state.cellOutline.value = null;
      });
      target = -1;
      polygon = null;
      return was;
    },
  };
  // Another tool, or another plan: nothing is left on the map.
  effect(() => {
    if (edit.tool.value !== "cut" || edit.phase.value !== "ready" || edit.opened.value < 0) untracked(() => void cutting.cancel());
  });
  return cutting;
}

/** Angle of a line that cuts a polygon across its longer side. */
function longWay({ coords }: Polygons): number {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < coords.length; at += 2) {
    [x0, x1] = [Math.min(x0, coords[at]), Math.max(x1, coords[at])];
    [y0, y1] = [Math.min(y0, coords[at + 1]), Math.max(y1, coords[at + 1])];
  }
  return x1 - x0 >= y1 - y0 ? 0 : 90;
}
