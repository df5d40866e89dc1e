/**
 * The session in which a draft is edited: the plan under the hand, the one way in for every edit, undo and redo. Edits
 * go out through `onEdit`, those of other people come in through `applyRemote`; figures are read from `live` under `version`.
 */

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Change, Reason } from "../api/edits";
import type { Key, Values } from "../i18n";
import type { Delta, LivePlan } from "../kernels/live";
import type { Source } from "../kernels/pick";
import type { Weighed } from "../kernels/weigh";
import type { Attributes, DoneChange } from "./attributes";
import { type CutOff, findCutOff, PieceWatch } from "./cutoff";
import { type Allowed, allowedCells, type Ground } from "./editing-rules";
import { GridList } from "./editing-grids";
import type { Loaded } from "./editing-load";
import { newKey } from "./keys";
import type { State } from "./state";
import { Stroke } from "./stroke";
import { tellEdit } from "./tellings";
import { UndoStacks } from "./undo";

export type EditPhase = "off" | "loading" | "ready" | "failed";
export type Tool =
  | "pan" | "paint" | "move" | "lasso" | "box" | "block" | "compound" | "split" | "draw" | "cut" | "merge" | "lock" | "note"; // prettier-ignore
export type SourceFilter = Source;

/** A finished edit; `undoesKey` is the key of the edit that it takes back (a redo takes back an undo). */
export interface Edit extends Delta {
  key: string;
  kind: string;
  changes: DoneChange[];
  undoesKey: string | null;
}

/** A change that is shown before it counts. */
export interface Proposal {
  kind: string;
  title: string;
  cells: Uint32Array;
  grids: Int32Array;
  changes: Change[];
  /** What it comes to; null where it was not asked of the server. */
  weighed: ProposalFigures | null;
  /** Why grids would stay out of their bounds. */
  reasons: readonly Reason[];
}

export interface ProposalFigures extends Weighed {
  /** Whether the bounds that were asked for are of households; else only the server counts what is inside. */
  ofHouseholds: boolean;
  inBounds: { before: number; after: number; grids: number } | null;
}

/** The two halves that a line would make, while it is drawn. */
export interface SplitView {
  grid: number;
  left: { cells: Uint32Array; households: number };
  right: { cells: Uint32Array; households: number };
}

export interface Message {
  key: Key;
  values: Values;
  /** Whether something was not done that was asked for; hints and news are not. */
  alert: boolean;
}

/** What has to be drawn anew: cells whose grid changed, and grids whose look may have. */
export interface Dirty {
  cells: ArrayLike<number>;
  grids: Iterable<number>;
  /** Whether the hand has let go; labels and figures outside of the panel wait for that. */
  done: boolean;
}

/** A movement of the hand on its way. */
export interface Hand {
  add(cells: ArrayLike<number>, grids: number | ArrayLike<number>): number;
  finish(): Edit | null;
  abort(): void;
}

export interface EditSession {
  readonly phase: ReadonlySignal<EditPhase>;
  /** Goes up when a draft was opened, and when other base data came under the one that is. */
  readonly opened: ReadonlySignal<number>;
  /** Whether a hand is on the map, in the middle of a gesture. */
  readonly holding: Signal<boolean>;
  readonly tool: Signal<Tool>;
  /** The grid that takes what is painted: the selected one. */
  readonly activeGrid: Signal<number | null>;
  readonly brushM: Signal<number>;
  readonly filter: Signal<SourceFilter>;
  readonly version: ReadonlySignal<number>;
  readonly attributesVersion: ReadonlySignal<number>;
  readonly undoDepth: ReadonlySignal<number>;
  readonly redoDepth: ReadonlySignal<number>;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
  readonly cutOff: ReadonlySignal<CutOff | null>;
  readonly proposal: Signal<Proposal | null>;
  readonly split: Signal<SplitView | null>;
  readonly message: Signal<Message | null>;
  /** The cell of the keyboard. */
  readonly cursor: Signal<number | null>;
  readonly live: LivePlan | null;
  readonly ground: Ground | null;
  readonly attributes: ReadonlyMap<string, unknown>;
  /** Attributes with what follows from them; null while no draft is open. */
  readonly book: Attributes | null;
  /** The revision that the session began with. */
  readonly revision: number;
  open(load: () => Promise<Loaded>): Promise<void>;
  close(): void;
  /** Go on with the same draft on other base data; what hangs on numbers of cells is given up. */
  replace(loaded: Loaded): void;
  begin(kind: string): Hand;
  perform(kind: string, cells: ArrayLike<number>, grids: number | ArrayLike<number>, changes?: Change[]): Edit | null;
  change(kind: string, changes: Change[]): Edit | null;
  /** Undo and redo wait until the returned function is called; then they are done, or forgotten. */
  defer(): (done: boolean) => void;
  /** Take back a change of base data, by its key; set by those who can. */
  takeBackBase: (key: string) => void;
  undo(): Edit | null;
  redo(): Edit | null;
  takeAlong(): void;
  giveTo(grid: number): void;
  leaveCut(): void;
  cancelStroke(): void;
  acceptProposal(): Edit | null;
  refuseProposal(): void;
  say(key: Key, values?: Values, alert?: boolean): void;
  onEdit(listener: (edit: Edit) => void): () => void;
  onDirty(listener: (dirty: Dirty) => void): () => void;
  applyRemote(cells: ArrayLike<number>, grids: ArrayLike<number>, changes: Change[]): void;
  restoreHistory(done: Edit[], undone: Edit[]): void;
}

const NOTHING: Delta = { cells: new Uint32Array(0), before: new Int32Array(0), after: new Int32Array(0) };
const NO_ATTRIBUTES: ReadonlyMap<string, unknown> = new Map();

/** Numbers of the grids that changes make or bring back. */
function madeBy(changes: readonly Change[]): Set<number> {
  const made = new Set<number>();
  for (const { path, value } of changes) {
    const match = /^grid\/(\d+)$/.exec(path);
    if (match && value !== null) made.add(Number(match[1]));
  }
  return made;
}

/** Grids that cells left or came into, of `nGrids`, and `more`. */
function gridsOf({ before, after }: Delta, nGrids: number, more: Iterable<number> = []): Set<number> {
  const grids = new Set<number>(more);
  // Place 0 is for cells without a grid.
  const seen = new Uint8Array(nGrids + 1);
  for (let i = 0; i < before.length; i++) seen[before[i] + 1] = seen[after[i] + 1] = 1;
  for (let grid = 0; grid < nGrids; grid++) if (seen[grid + 1] === 1) grids.add(grid);
  return grids;
}

/** The cell whose anchor is nearest to a place. */
function nearestCell(anchor: ArrayLike<number>, x: number, y: number): number | null {
  let [best, least] = [-1, Infinity];
  for (let cell = 0; 2 * cell < anchor.length; cell++) {
    const far = Math.hypot(anchor[2 * cell] - x, anchor[2 * cell + 1] - y);
    if (far < least) [best, least] = [cell, far];
  }
  return best < 0 ? null : best;
}

export function createEditSession(state: State): EditSession {
  const phase = signal<EditPhase>("off");
  const opened = signal(0);
  const version = signal(0);
  const attributesVersion = signal(0);
  const cutOff = signal<CutOff | null>(null);
  const proposal = signal<Proposal | null>(null);
  const split = signal<SplitView | null>(null);
  const message = signal<Message | null>(null);
  const cursor = signal<number | null>(null);
  const stacks = new UndoStacks();
  const { undoDepth, redoDepth } = stacks;
  const editListeners = new Set<(edit: Edit) => void>();
  const dirtyListeners = new Set<(dirty: Dirty) => void>();
  let ground: Ground | null = null;
  let live: LivePlan | null = null;
  let list = new GridList(state);
  let revision = 0;
  let turn = 0;
  let deferrals = 0;
  const deferred: ("undo" | "redo")[] = [];

  const say = (key: Key, values: Values = {}, alert = false): void => {
    message.value = { key, values, alert };
    // An alert is an alert on the page itself.
    if (!alert) state.live.value = state.t(key, values);
  };

  const sayLeftOut = ({ locked, foreign, apart, unknown }: Allowed): void => {
    if (locked > 0) say("edit.locked", { count: locked }, true);
    else if (foreign > 0) say("edit.foreign", { count: foreign }, true);
    else if (apart > 0) say("edit.apart", { count: apart }, true);
    else if (unknown > 0) say("edit.noSuchGrid", {}, true);
  };

  const redraw = (delta: Pick<Delta, "cells">, grids: Set<number>, finished: boolean): void => {
    for (const listener of dirtyListeners) listener({ cells: delta.cells, grids, done: finished });
    version.value++;
  };

  const makeGrids = (made: Iterable<number>): void => {
    for (const grid of made) while (live && live.nGrids <= grid) live.addGrid();
  };

  const gridsOfChanges = (changes: readonly Change[]): number[] =>
    changes.flatMap(({ path }) => {
      const parts = path.split("/");
      if (parts[0] === "grid") return [Number(parts[1])];
      return parts[1] === "border" ? [Number(parts[2]), Number(parts[3])] : [];
    });

  const settle = (delta: Delta, changes: DoneChange[]): void => {
    if (!ground || !live) return;
    const lockedCells = changes.flatMap(({ path }) => (path.startsWith("lock/cell/") ? [Number(path.slice(10))] : []));
    const grids = gridsOf(delta, live.nGrids, gridsOfChanges(changes));
    for (const grid of list.refresh(live, ground.attributes, grids)) grids.add(grid);
    redraw(lockedCells.length > 0 ? { ...delta, cells: Uint32Array.of(...delta.cells, ...lockedCells) } : delta, grids, true);
    if (changes.length > 0) attributesVersion.value++;
  };

  const commit = (kind: string, delta: Delta, changes: DoneChange[], undoesKey: string | null): Edit | null => {
    if (delta.cells.length === 0 && changes.length === 0) return null;
    const edit: Edit = { key: newKey(), kind, ...delta, changes, undoesKey };
    batch(() => {
      settle(delta, changes);
      if (kind !== "undo" && kind !== "redo") stacks.push(edit);
      const telling = tellEdit(edit, state.grids.peek());
      if (telling) state.live.value = state.t(telling.key, telling.values);
    });
    for (const listener of editListeners) listener(edit);
    return edit;
  };

  const cutBy = (delta: Delta, target: number): CutOff | null => {
    const cut = live && ground && findCutOff(ground.graph, live, delta, target);
    const book = ground?.attributes;
    const takes = (grid: number): boolean => !book?.lockedGrids.has(grid) && book?.boundaryOf(grid) === book?.boundaryOf(cut?.grid ?? -1);
    return cut && { ...cut, choices: cut.choices.filter(takes) };
  };

  const begin = (kind: string): Hand => {
    if (!live || !ground) return { add: () => 0, finish: () => null, abort: () => undefined };
    const [plan, rules] = [live, ground];
    const stroke = new Stroke(plan);
    const watch = new PieceWatch(plan);
    let target = -1;
    cutOff.value = null;
    message.value = null;
    return {
      add(cells, grids) {
        const allowed = allowedCells(rules, cells, grids);
        if (allowed.locked + allowed.foreign + allowed.apart + allowed.unknown > 0) sayLeftOut(allowed);
        if (allowed.cells.length === 0) return 0;
        target = allowed.grids[0];
        watch.note(allowed.cells);
        const delta = stroke.add(allowed.cells, typeof grids === "number" ? grids : allowed.grids);
        batch(() => {
          redraw(delta, gridsOf(delta, plan.nGrids), false);
          const cut = watch.isCut() ? cutBy(stroke.delta(), target) : null;
          if (cut || cutOff.value) cutOff.value = cut && { ...cut, pending: true };
        });
        return delta.cells.length;
      },
      finish() {
        const cut = cutOff.value;
        const edit = commit(kind, stroke.delta(), [], null);
        cutOff.value = cut && edit ? { ...cut, pending: false } : null;
        return edit;
      },
      abort() {
        const delta = stroke.abort();
        batch(() => {
          cutOff.value = null;
          if (delta.cells.length > 0) settle(delta, []);
        });
      },
    };
  };

  const carryOut = (
    kind: string,
    cells: ArrayLike<number>,
    grids: number | ArrayLike<number>,
    changes: Change[],
    undoesKey: string | null,
  ): Edit | null => {
    if (!live || !ground) return null;
    const made = madeBy(changes);
    const allowed = allowedCells(ground, cells, grids, made);
    message.value = null;
    cutOff.value = null;
    const leftOut = allowed.locked + allowed.foreign + allowed.apart + allowed.unknown;
    if (leftOut > 0) sayLeftOut(allowed);
    if (leftOut > 0 && (allowed.cells.length === 0 || changes.length > 0)) return null;
    makeGrids(made);
    const watch = new PieceWatch(live);
    watch.note(allowed.cells);
    const whole = allowed.cells.length > 0 ? live.apply(allowed.cells, typeof grids === "number" ? grids : allowed.grids) : NOTHING;
    const applied = ground.attributes.apply(changes);
    const edit = commit(kind, whole, applied, undoesKey);
    if (edit && undoesKey === null && watch.isCut())
      cutOff.value = cutBy(whole, allowed.grids[0]);
    return edit;
  };

  const defer = (): ((done: boolean) => void) => {
    let over = false;
    deferrals++;
    return (done) => {
      if (over) return;
      over = true;
      deferrals--;
      if (!done) deferred.length = 0;
      for (let way = deferred[0]; way && deferrals === 0; way = deferred[0]) {
        deferred.shift();
        takeBack(way);
      }
    };
  };

  const takeBack = (way: "undo" | "redo"): Edit | null => {
    if (deferrals > 0) {
      deferred.push(way);
      return null;
    }
    const wish = live && stacks.next(way, live.gridOf);
    if (!wish) return null;
    if (wish.changes.some(({ path }) => path === "base")) {
      // The page is loaded anew once that is done, and so are the steps.
      session.takeBackBase(wish.key);
      return null;
    }
    const edit = carryOut(way, wish.cells, wish.grids, wish.changes, wish.key);
    // A lock in the way: it stays the next one to be taken back.
    if (edit || !message.value) stacks.turn(way, edit);
    return edit;
  };

  const close = (): void => {
    turn++;
    deferred.length = 0;
    batch(() => {
      phase.value = "off";
      live = ground = null;
      stacks.restore([], []);
      cutOff.value = proposal.value = split.value = message.value = cursor.value = null;
      session.tool.value = "pan";
      session.filter.value = { kind: "all" };
      version.value++;
      attributesVersion.value++;
    });
  };

  const take = (loaded: Loaded): void =>
    batch(() => {
      ({ live, ground, revision } = loaded);
      list = new GridList(state, loaded.ground.areaNames);
      list.prepare(loaded.live);
      phase.value = "ready";
      opened.value++;
      version.value++;
      attributesVersion.value++;
    });

  const session: EditSession = {
    phase,
    opened,
    holding: signal(false),
    tool: signal<Tool>("pan"),
    activeGrid: state.selected,
    brushM: signal(40),
    filter: signal<SourceFilter>({ kind: "all" }),
    version,
    attributesVersion,
    undoDepth,
    redoDepth,
    canUndo: computed(() => undoDepth.value > 0),
    canRedo: computed(() => redoDepth.value > 0),
    cutOff,
    proposal,
    split,
    message,
    cursor,
    get live() {
      return live;
    },
    get ground() {
      return ground;
    },
    get attributes() {
      return ground?.attributes.map ?? NO_ATTRIBUTES;
    },
    get book() {
      return ground?.attributes ?? null;
    },
    get revision() {
      return revision;
    },
    async open(load) {
      close();
      const mine = ++turn;
      phase.value = "loading";
      try {
        const loaded = await load();
        if (mine !== turn) return;
        take(loaded);
      } catch {
        if (mine === turn) phase.value = "failed";
      }
    },
    close,
    replace: (loaded) =>
      batch(() => {
        const place = cursor.value === null ? null : ground?.graph.anchor.slice(2 * cursor.value, 2 * cursor.value + 2);
        take(loaded);
        cursor.value = place ? nearestCell(loaded.ground.graph.anchor, place[0], place[1]) : null;
        cutOff.value = proposal.value = split.value = null;
      }),
    begin,
    perform: (kind, cells, grids, changes = []) => carryOut(kind, cells, grids, changes, null),
    change: (kind, changes) => carryOut(kind, [], [], changes, null),
    defer,
    takeBackBase: () => undefined,
    undo: () => takeBack("undo"),
    redo: () => takeBack("redo"),
    takeAlong() {
      const cut = cutOff.value;
      if (cut) session.perform("move", cut.cells, cut.target);
    },
    giveTo(grid) {
      const cut = cutOff.value;
      if (cut) session.perform("move", cut.cells, grid);
    },
    leaveCut() {
      cutOff.value = null;
    },
    cancelStroke() {
      if (cutOff.value) session.undo();
    },
    acceptProposal() {
      const wish = proposal.value;
      proposal.value = null;
      const edit = wish && session.perform(wish.kind, wish.cells, wish.grids, wish.changes);
      if (edit && !message.value) say("proposal.accepted", { count: edit.cells.length });
      return edit;
    },
    refuseProposal() {
      if (!proposal.value) return;
      proposal.value = null;
      say("proposal.refused");
    },
    say,
    onEdit(listener) {
      editListeners.add(listener);
      return () => editListeners.delete(listener);
    },
    onDirty(listener) {
      dirtyListeners.add(listener);
      return () => dirtyListeners.delete(listener);
    },
    applyRemote(cells, grids, changes) {
      if (!live || !ground) return;
      const [plan, rules] = [live, ground];
      makeGrids(madeBy(changes));
      batch(() => settle(cells.length > 0 ? plan.apply(cells, grids) : NOTHING, rules.attributes.apply(changes)));
    },
    restoreHistory: (done, undone) => stacks.restore(done, undone),
  };
  return session;
}
