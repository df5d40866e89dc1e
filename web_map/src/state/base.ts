/**
 * The mode in which base data are changed under a draft: what is picked, what is drawn, which changes wait, and how they
 * are applied. The panel's tab "base" is the mode; the hand on the map is in basetools.ts.
 */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { type BaseAnswer, type BaseChange, type BaseClient, type BaseLayer, type Geometry, type Position } from "../api/base";
import type { Key, Values } from "../i18n";
import { changesOf, countOf, crossesItself, type Feature, featureAt, featureOf, metresPerDegree, moved, movedFeatures, naming, type Pending, type Step, stepOfChange, tidy, withChange, withPending } from "./baselist"; // prettier-ignore
import { forget, keep, type Kept, kept, refound } from "./basekept";
import type { BaseSender, Sent } from "./basesend";
import type { Desk } from "./desk";
import { snapTo } from "./basesnap";
import { revisionOfKey } from "./history";

export type BaseTool = "look" | "building" | "street" | "barrier" | "gate" | "move" | "retire";
export type Shape = "building" | "street" | "barrier" | "gate";

/** What is being drawn; points in degrees. */
export interface Drawing {
  shape: Shape;
  points: Position[];
}

/** Why the last try was refused, and at which step. */
export interface Fault {
  step: number | null;
  text: string;
}

export interface Base {
  readonly on: ReadonlySignal<boolean>;
  readonly tool: ReadonlySignal<BaseTool>;
  readonly streetClass: Signal<string>;
  readonly picked: Signal<Feature | null>;
  readonly drawing: Signal<Drawing | null>;
  /** Name and numbers of what is drawn, as typed. */
  readonly typed: Signal<Record<string, string>>;
  readonly steps: ReadonlySignal<readonly Step[]>;
  readonly count: ReadonlySignal<number>;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
  readonly fault: Signal<Fault | null>;
  /** Share that is done while changes are applied; null else. */
  readonly applying: ReadonlySignal<number | null>;
  /** What the last application came to. */
  readonly result: Signal<BaseAnswer | null>;
  /** Metres around the pointer in which things are hit; set by the map. */
  reach(): number;
  setReach(metres: () => number): void;
  /** Take a tool into the hand. */
  take(tool: BaseTool): void;
  enter(): void;
  leave(): void;
  /** Pick what is at a place; null where there is nothing. */
  pick(at: Position, layers?: readonly Feature["layer"][]): Promise<Feature | null>;
  select(feature: Feature | null): void;
  add(item: Pending, feature: Feature | null): void;
  addFile(file: string, items: Pending[]): void;
  remove(step: number): void;
  undo(): boolean;
  redo(): boolean;
  clear(): void;
  /** Where a point of a line comes to stand: on the line that is there, or where it is. */
  snap(shape: Shape, at: Position): Promise<Position>;
  /** A drawing that is done: a change, or a word why not. */
  finish(): boolean;
  retire(feature: Feature): void;
  moveBy(feature: Feature, eastM: number, northM: number): void;
  moveTo(feature: Feature, geometry: Geometry): void;
  setValues(feature: Feature, values: Record<string, unknown>): void;
  apply(): Promise<void>;
  cancel(): void;
}

const LAYERS: readonly Feature["layer"][] = ["facilities", "buildings", "streets", "barriers"];
/** What the points of a line are put onto. */
const ONTO: Partial<Record<Shape, readonly Feature["layer"][]>> = { street: ["streets"], barrier: ["streets", "barriers"] };
/** Water is a barrier as well; it is not meant where somebody clicks. */
const isArea = ({ layer, geometry }: Feature): boolean => layer === "barriers" && geometry.type.endsWith("Polygon");
const OF_SHAPE: Record<Shape, { layer: BaseLayer; least: number }> = {
  building: { layer: "buildings", least: 3 },
  street: { layer: "streets", least: 2 },
  barrier: { layer: "barriers", least: 2 },
  gate: { layer: "gates", least: 1 },
};
const TOO_FEW = { building: "base.tooFew.building", street: "base.tooFew.street", barrier: "base.tooFew.barrier", gate: "base.tooFew.street" } as const;
const KIND_OF = { buildings: "building", streets: "street", gates: "gate", facilities: "facility", barriers: "barrier" } as const;
const DID = { add: "base.did.add", move: "base.did.move", retire: "base.did.retire", set: "base.did.set" } as const;

export function createBase(desk: Desk, client: BaseClient, sender: BaseSender): Base {
  const { state, edit } = desk;
  const tool = signal<BaseTool>("look");
  const streetClass = signal("residential");
  const picked = signal<Feature | null>(null);
  const drawing = signal<Drawing | null>(null);
  const typed = signal<Record<string, string>>({});
  const steps = signal<readonly Step[]>([]);
  const past = signal<(readonly Step[])[]>([]);
  const future = signal<(readonly Step[])[]>([]);
  const fault = signal<Fault | null>(null);
  const applying = signal<number | null>(null);
  const result = signal<BaseAnswer | null>(null);
  const on = computed(() => desk.tab.value === "base" && edit.phase.value === "ready");
  let reach = (): number => 3;
  let nextKey = 1;
  let stop: AbortController | null = null;
  let loadedFor = "";

  const place = (): { plan: string; dataset: string } => {
    const plan = state.plan.peek();
    return { plan: plan?.id ?? "", dataset: plan?.dataset_id ?? "" };
  };
  const live = (key: Key, values: Values = {}): void => void (state.live.value = state.t(key, values));

  const show = (next: readonly Step[]): void => {
    steps.value = next;
    fault.value = null;
    const { plan, dataset } = place();
    if (next.length === 0) forget(plan);
    else if (!keep(plan, { dataset, steps: next })) desk.say("base.notKept", {}, true);
  };

  const change = (next: readonly Step[], key: Key, values: Values = {}): void =>
    batch(() => {
      past.value = [...past.value, steps.value];
      future.value = [];
      result.value = null;
      show(next);
      live(key, { ...values, count: countOf(next) });
    });

  const goTo = (from: Signal<(readonly Step[])[]>, to: Signal<(readonly Step[])[]>, key: Key): boolean => {
    const wanted = from.value[from.value.length - 1];
    if (!wanted || applying.value !== null) return false;
    batch(() => {
      to.value = [...to.value, steps.value];
      from.value = from.value.slice(0, -1);
      show(wanted);
      picked.value = null;
      live(key, { count: countOf(wanted) });
    });
    return true;
  };

  const add = (item: Pending, feature: Feature | null): void => {
    const step: Step = { key: nextKey++, file: null, items: [item] };
    const next = withChange(steps.value, step, feature);
    // What was drawn and is named now has its name in its own step.
    const name = next.find(({ key }) => key === feature?.step)?.items[0].name ?? item.name;
    change(next, DID[item.change.op], { name: `${state.t(`base.kind.${KIND_OF[item.change.layer]}`)} ${name}`.trim() });
  };

  const ofFeature = (feature: Feature, made: Omit<BaseChange, "layer">): Pending => ({
    change: { ...made, ...naming(feature) },
    name: feature.name,
    was: feature.geometry,
    before: feature.values,
  });

  // What waits is kept in the browser. Another data version gives streets and gates other numbers: they are found again.
  const restore = async (plan: string, dataset: string): Promise<void> => {
    const found: Kept | null = kept(plan);
    batch(() => {
      steps.value = [];
      past.value = future.value = [];
      picked.value = null;
      drawing.value = null;
      typed.value = {};
      fault.value = null;
    });
    if (!found) return;
    let next = found.steps;
    let lost = 0;
    if (found.dataset !== dataset)
      try {
        ({ steps: next, lost } = await refound(found.steps, (layer, box) => client.features(dataset, layer, box)));
      } catch {
        return void desk.say("error.noConnection", {}, true);
      }
    if (place().plan !== plan || place().dataset !== dataset) return;
    // Meanwhile they were applied, or removed.
    if (!kept(plan)) return;
    nextKey = Math.max(nextKey, ...next.map(({ key }) => key + 1));
    show(next);
    if (lost > 0) desk.say("base.lost", { count: lost }, true);
  };
  effect(() => {
    const plan = state.plan.value;
    if (edit.phase.value !== "ready" || !plan) return;
    const now = `${plan.id}/${plan.dataset_id}`;
    if (loadedFor === now) return;
    loadedFor = now;
    untracked(() => void restore(plan.id, plan.dataset_id));
  });

  // A click, a hit of the search, or the list of buildings at a place: what is there is picked.
  effect(() => {
    const spot = state.spot.value;
    // Once a place: what is told of it later is not another click.
    if (!on.value || !spot || (spot.cellIx !== null && spot.info !== undefined)) return;
    const [lon, lat] = [spot.lon, spot.lat];
    untracked(() => {
      if (tool.value === "look") void base.pick([lon, lat]).then(base.select, () => undefined);
    });
  });
  effect(() => {
    if (!on.value) return;
    untracked(() => (edit.tool.value = "pan"));
    return () => void (drawing.value = null);
  });

  /** Send changes; true once the draft stands on them. */
  const send = async (changes: BaseChange[], undoes: number | null): Promise<boolean> => {
    if (applying.peek() !== null) return false;
    applying.value = 0;
    fault.value = null;
    stop = new AbortController();
    const progress = (share: number): void => void (applying.value = Math.max(share, applying.peek() ?? 0));
    try {
      const sent = await sender.send(changes, undoes, { progress, signal: stop.signal });
      if (sent?.kind !== "done") {
        tell(sent, undoes);
        return false;
      }
      batch(() => {
        result.value = sent.answer;
        picked.value = null;
      });
      if (undoes === null) {
        past.value = future.value = [];
        show([]);
      }
      return true;
    } finally {
      stop = null;
      applying.value = null;
    }
  };

  const tell = (sent: Exclude<Sent, { kind: "done" }> | null, undoes: number | null): void => {
    if (sent === null) return desk.say("base.busy", {}, true);
    if (sent.kind === "cancelled") return desk.say(sent.late ? "base.tooLate" : "base.cancelled");
    if (sent.kind === "away") return desk.say(undoes === null ? "base.noAnswer" : "base.takeBackAway", {}, true);
    if (sent.kind !== "refused") return desk.say(sent.kind === "stale" ? "plan.stale" : "plan.notSaved", {}, true);
    const { error, detail } = sent;
    const places = (error.body.errors ?? []) as { where: string; message: string }[];
    const number = Number(places.find(({ where }) => where === "change")?.message ?? NaN);
    const id = places.find(({ where }) => where === "building")?.message;
    const found = undoes === null ? (Number.isNaN(number) ? stepOfId(id) : stepOfChange(steps.peek(), number)) : null;
    fault.value = { step: found?.step.key ?? null, text: found?.item.name ? `${found.item.name}: ${detail}` : detail };
    state.live.value = fault.value.text;
    if (!on.peek()) desk.say("error.refused", { detail }, true);
  };

  const stepOfId = (id: string | undefined): ReturnType<typeof stepOfChange> => {
    if (id === undefined) return null;
    const all = steps.peek().flatMap((step) => step.items.map((item) => ({ step, item })));
    const drawn = all.filter(({ item }) => item.change.op === "add" && item.change.layer === "buildings");
    const named = /^new-(\d+)$/.exec(id);
    return all.find(({ item }) => item.change.id === id || item.change.values?.id === id) ?? (named && drawn[Number(named[1]) - 1]) ?? null;
  };

  /** Take back, or do again, a change of base data that was applied. */
  const takeBack = async (key: string): Promise<void> => {
    const revision = revisionOfKey(key) ?? desk.sync.peek()?.revisionOf(key) ?? null;
    if (revision === null) return;
    const release = edit.defer();
    let done = false;
    desk.say("base.takingBack");
    try {
      const [found] = await desk.editing.edits(place().plan, revision - 1, false);
      const value = found?.changes.find(({ path }) => path === "base")?.value as { inverse?: BaseChange[] } | undefined;
      if (found?.revision !== revision || !value?.inverse?.length) return desk.say("base.noWayBack", {}, true);
      done = await send(value.inverse, revision);
      if (done) desk.say(found.undoes === null ? "edit.undone" : "edit.redone");
    } catch {
      desk.say("base.takeBackAway", {}, true);
    } finally {
      release(done);
    }
  };
  edit.takeBackBase = (key) => void takeBack(key);

  // What stands around a place, with what waits.
  const around = async ([lon, lat]: Position, layers: readonly Feature["layer"][]): Promise<Feature[]> => {
    const { dataset } = place();
    const metres = reach();
    const [east, north] = metresPerDegree(lat);
    const [dx, dy] = [metres / east, metres / north];
    const box: [number, number, number, number] = [lon - dx, lat - dy, lon + dx, lat + dy];
    const pages = await Promise.all(layers.map((layer) => client.features(dataset, layer, box).then((rows) => rows.map((row) => featureOf(layer, row)))));
    const there = pages.flat().filter((feature) => feature !== null);
    // What moved here stands elsewhere in the data.
    const news = movedFeatures(steps.value).filter((one) => layers.includes(one.layer) && !there.some((each) => each.layer === one.layer && each.id === one.id && each.ix === one.ix));
    return withPending([...there, ...news], steps.value).filter(({ layer }) => layers.includes(layer));
  };

  const base: Base = {
    on,
    tool,
    streetClass,
    picked,
    drawing,
    typed,
    steps,
    count: computed(() => countOf(steps.value)),
    canUndo: computed(() => past.value.length > 0 || (drawing.value?.points.length ?? 0) > 0),
    canRedo: computed(() => future.value.length > 0),
    fault,
    applying,
    result,
    reach: () => reach(),
    setReach: (metres) => void (reach = metres),
    take(wanted) {
      tool.value = wanted;
      if (wanted !== "look") picked.value = null;
      if (drawing.value && drawing.value.shape !== wanted) drawing.value = null;
    },
    enter: () => void (desk.tab.value = "base"),
    leave: () => void (desk.tab.value = "grids"),
    async snap(shape, at) {
      return snapTo(await around(at, ONTO[shape] ?? []), at, reach()) ?? at;
    },
    pick: async (at, layers = LAYERS) => featureAt((await around(at, layers)).filter((feature) => !isArea(feature)), at, reach()),
    select(feature) {
      picked.value = feature;
      if (feature) live("base.picked", { what: state.t(`base.kind.${kindOf(feature)}`), name: feature.name });
    },
    add,
    addFile(file, items) {
      change([...steps.value, { key: nextKey++, file, items }], "base.did.file", { name: file });
    },
    remove(key) {
      change(steps.value.filter((step) => step.key !== key), "base.removed");
    },
    undo() {
      const draft = drawing.value;
      if (draft && draft.points.length > 0) {
        drawing.value = { ...draft, points: draft.points.slice(0, -1) };
        return true;
      }
      return goTo(past, future, "base.undone");
    },
    redo: () => goTo(future, past, "base.redone"),
    clear() {
      if (steps.value.length > 0) change([], "base.cleared");
    },
    finish() {
      const draft = drawing.value;
      if (!draft) return false;
      const { shape } = draft;
      const { layer, least } = OF_SHAPE[shape];
      const points = draft.points.filter((point, i) => i === 0 || point.join() !== draft.points[i - 1].join());
      if (points.length < least) {
        desk.say(TOO_FEW[shape], {}, true);
        return false;
      }
      if (shape === "building" && crossesItself(points)) {
        desk.say("base.crosses", {}, true);
        return false;
      }
      const geometry: Geometry =
        shape === "gate"
          ? { type: "Point", coordinates: points[0] }
          : shape !== "building"
            ? { type: "LineString", coordinates: points }
            : { type: "Polygon", coordinates: [[...points, points[0]]] };
      const values = valuesOf(shape, typed.value, streetClass.value);
      drawing.value = null;
      typed.value = {};
      add({ change: { op: "add", layer, geometry, values }, name: String(values.name ?? ""), was: null, before: {} }, null);
      const made = steps.value[steps.value.length - 1];
      const own = made && withPending([], [made])[0];
      if (own) picked.value = own;
      return true;
    },
    retire(feature) {
      add(ofFeature(feature, { op: "retire" }), feature);
      picked.value = null;
    },
    moveBy(feature, eastM, northM) {
      const lat = firstOf(feature.geometry)[1];
      const [east, north] = metresPerDegree(lat);
      base.moveTo(feature, moved(feature.geometry, eastM / east, northM / north));
    },
    moveTo(feature, geometry) {
      add(ofFeature(feature, { op: "move", geometry }), feature);
      picked.value = { ...feature, geometry };
    },
    setValues(feature, values) {
      add(ofFeature(feature, { op: "set", values }), feature);
      picked.value = { ...feature, values: { ...feature.values, ...values } };
    },
    async apply() {
      if (steps.value.length === 0) return;
      await send(changesOf(steps.value), null);
    },
    cancel: () => stop?.abort(),
  };
  return base;
}

/** Kinds of barriers that are drawn. */
export const BARRIERS = ["river", "rail", "wall"] as const;

/** What was typed of a drawing, as columns. */
function valuesOf(shape: Shape, typed: Record<string, string>, streetClass: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  if (typed.name?.trim()) values.name = typed.name.trim();
  if (shape === "street") values.class = streetClass;
  if (shape === "barrier") Object.assign(values, { kind: typed.kind || BARRIERS[0], cuts: true });
  if (shape === "building") values.households = Number(typed.households || 0);
  if (shape === "building" && typed.population) values.population = Number(typed.population);
  return values;
}

const firstOf = ({ coordinates }: Geometry): Position => {
  let at: unknown = coordinates;
  while (Array.isArray(at) && Array.isArray(at[0])) at = at[0];
  return at as Position;
};

/** What a feature is called: building, street, gate, place. */
export function kindOf(feature: Feature): "building" | "street" | "gate" | "facility" | "barrier" {
  if (feature.layer === "buildings") return "building";
  if (feature.layer === "streets") return "street";
  if (feature.layer === "barriers") return "barrier";
  return feature.values.category === "gate" || feature.step !== null ? "gate" : "facility";
}

/** Points as people type them, one a line: longitude and latitude in degrees. Null where a line is none. */
export function readPoints(text: string): Position[] | null {
  const lines = text.split(/[\n;；]/u).map((line) => line.trim()).filter((line) => line !== "");
  const points = lines.map((line) => line.split(/[\s,，]+/u).map(Number));
  const good = points.every(([x, y, ...more]) => Math.abs(x) <= 180 && Math.abs(y) <= 85 && more.length === 0);
  return good ? points.map(([x, y]) => [tidy(x), tidy(y)]) : null;
}

export const writePoints = (points: readonly Position[]): string =>
  points.map(([x, y]) => `${x.toFixed(7)}, ${y.toFixed(7)}`).join("\n");
