/**
 * Carries the edits of this page to the server, one after the other, and those of others here.
 *
 * What the page shows is always: the server's plan at `revision`, and on it the unsent edits in their order. Nothing of
 * ours leaves the outbox before the server has it; nothing of others is overwritten without a word (see `Conflict`).
 */

import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EditBody, EditingClient, ServerEdit } from "../api/edits";
import { ApiError } from "../api/request";
import type { Outbox, Unsent } from "./outbox";
import { type Told, toldBy } from "./problems";
import { afterBase, hasBase } from "./syncbase";
import { codesOf, isEmpty, madeBy, type Overlap, overlapOf, renumber, without } from "./syncrebase";

/**
 * "busy": the server answers that it cannot now; "renewing": other base data are loaded; "gone": somebody deleted the
 * draft; "closed": another plan is on the page.
 */
export type Standing = "saved" | "saving" | "offline" | "busy" | "renewing" | "conflict" | "refused" | "gone" | "closed";

/** Others changed the same cells or attributes since our last look. */
export interface Conflict {
  theirs: ServerEdit[];
  overlap: Overlap;
}

/** An edit that the server does not take as it is. */
export interface Refusal {
  entry: Unsent;
  code: string;
  detail: string;
  /** All that the server told. */
  told: Told;
}

/** The plan as the server has it now. */
export interface Renewal {
  revision: number;
  /** Edits since the revision that was asked for; those that changed base data at least. */
  log: readonly ServerEdit[];
  /** Show it, at once; the edits that are not sent yet come on it right after that. */
  swap(unsent: readonly Unsent[]): void;
}

/** What sync needs of the plan on the page. */
export interface SyncModel {
  applyRemote(cells: number[], grids: number[], changes: { path: string; value: unknown }[]): void;
  /** All codes that were ever used, and how many grids were ever made. */
  codes(): Iterable<string>;
  grids(): number;
  /** Load the plan anew behind the one on the page, with its log after a revision; null where that did not work. */
  renew(since: number): Promise<Renewal | null>;
  /** Somebody else's edits are on the page now. */
  arrived(edits: ServerEdit[]): void;
  /** Somebody else's edits come under unsent ones of ours; what is given is called when they are on the page. */
  meeting(theirs: readonly ServerEdit[], ours: readonly Unsent[]): () => void;
}

export interface SyncParts {
  plan: string;
  revision: number;
  client: Pick<EditingClient, "send" | "edits">;
  outbox: Outbox;
  model: SyncModel;
  /** Call back after this many milliseconds; the returned function calls it off. */
  later(ms: number, then: () => void): () => void;
  now(): number;
}

export interface Sync {
  readonly standing: ReadonlySignal<Standing>;
  readonly unsent: ReadonlySignal<number>;
  readonly savedAt: ReadonlySignal<number | null>;
  readonly revision: ReadonlySignal<number>;
  readonly conflict: ReadonlySignal<Conflict | null>;
  readonly refusal: ReadonlySignal<Refusal | null>;
  /** Take an edit of this page (already on the page). */
  push(entry: Unsent): void;
  /** Take over unsent edits of an earlier page, or none: they are put on the plan, then sent. "Saved" is said from then on. */
  adopt(entries: Unsent[]): void;
  /** An edit that the server told of. */
  heard(edit: ServerEdit): void;
  /** Ask for what was missed, and try to send; ends once other base data are on the page, if there are any. */
  catchUp(): Promise<void>;
  /** The revision once the server has every edit; null where something is in the way, which `standing` says. */
  whenSaved(): Promise<number | null>;
  /** Send nothing until the returned function is called, which catches up: something that takes long is made on this revision. */
  pause(): () => Promise<void>;
  /** Settle a conflict. */
  keepMine(): void;
  takeTheirs(): void;
  /** Give up the edit that was refused, or try it again. */
  dropRefused(): Promise<void>;
  tryAgain(): void;
  /** Revision under which the server knows an edit of this page. */
  revisionOf(key: string): number | null;
  /** The edits that the server does not have. */
  waiting(): readonly Unsent[];
  close(): void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 20_000;

export function createSync(parts: SyncParts): Sync {
  const { plan, client, outbox, model } = parts;
  const standing = signal<Standing>("saving");
  const unsent = signal(0);
  const savedAt: Signal<number | null> = signal(null);
  const revision = signal(parts.revision);
  const conflict = signal<Conflict | null>(null);
  const refusal = signal<Refusal | null>(null);
  let queue: Unsent[] = [];
  let held: ServerEdit[] = [];
  const known = new Map<string, number>();
  const adopted = new Set<string>();
  let working = false;
  let closed = false;
  let pauses = 0;
  let renewal: Promise<void> | null = null;
  let tryRenewal: () => void = () => undefined;
  // Until the outbox was read nobody knows whether all is saved.
  let begun = false;
  let wait = FIRST_WAIT_MS;
  let cancelWait: () => void = () => undefined;

  // What the server said last where it did not take or give anything.
  let away: "offline" | "busy" | null = null;
  let gone = false;

  const blocked = (): boolean =>
    closed || gone || pauses > 0 || renewal !== null || conflict.peek() !== null || refusal.peek() !== null;

  const standingNow = (): Standing => {
    if (closed) return "closed";
    if (gone) return "gone";
    if (conflict.peek()) return "conflict";
    if (refusal.peek()) return "refused";
    if (away) return away;
    if (renewal) return "renewing";
    return begun && queue.length === 0 && pauses === 0 ? "saved" : "saving";
  };
  const show = (): void =>
    batch(() => {
      unsent.value = queue.length;
      standing.value = standingNow();
    });

  const online = (): void => {
    wait = FIRST_WAIT_MS;
    away = null;
  };
  const offline = (error: unknown, then: () => void = () => void catchUp()): void => {
    if (closed) return;
    away = error instanceof ApiError && error.status > 0 ? "busy" : "offline";
    cancelWait();
    cancelWait = parts.later(wait, then);
    wait = Math.min(LONGEST_WAIT_MS, 2 * wait);
    show();
  };

  const setQueue = (entries: Unsent[]): void => {
    const left = new Set(entries.map((entry) => entry.key));
    const gone = queue.filter((entry) => !left.has(entry.key)).map((entry) => entry.key);
    const changed = entries.filter((entry) => !queue.includes(entry));
    queue = entries;
    if (changed.length > 0) void outbox.put(changed).catch(() => undefined);
    if (gone.length > 0) void outbox.remove(gone).catch(() => undefined);
  };

  // The server has this edit. Those that take it back now know its revision.
  const confirm = (entry: Unsent, at: number): void => {
    known.set(entry.key, at);
    queue = queue.filter((each) => each !== entry);
    void outbox.sent(entry.key, plan, at).catch(() => undefined);
    setQueue(queue.map((each) => resolved(each, known)));
  };

  /** Take others' edits in; false where that stops the sending. */
  const meet = (edits: ServerEdit[]): boolean => {
    const fresh = edits.filter((edit) => edit.revision > revision.value).sort((a, b) => a.revision - b.revision);
    const theirs = fresh.filter((edit) => {
      const ours = edit.key ? queue.find((entry) => entry.key === edit.key) : undefined;
      if (ours) confirm(ours, edit.revision);
      return !ours;
    });
    const last = fresh[fresh.length - 1]?.revision ?? revision.value;
    const taken = madeBy(theirs);
    const first = Math.max(model.grids(), ...taken.map((grid) => grid + 1));
    const renamed = taken.length > 0 ? renumber(queue, taken, first, codesWith(theirs)) : null;
    if (renamed) setQueue(renamed);
    if (renamed || hasBase(theirs)) {
      startAnew();
      return false;
    }
    const overlap = overlapOf(theirs, queue);
    if (!isEmpty(overlap)) {
      conflict.value = { theirs, overlap };
      return false;
    }
    takeIn(theirs, last);
    return true;
  };

  // Codes of the plan without those that only our unsent edits gave.
  const codesWith = (edits: ServerEdit[]): Set<string> => {
    const ours = codesOf(queue);
    return new Set([...[...model.codes()].filter((code) => !ours.has(code)), ...codesOf(edits)]);
  };

  /** Load the plan anew, as often as it takes; what is edited meanwhile waits, and comes on it. */
  const startAnew = (): void => {
    if (closed || renewal) return;
    renewal = renew().then(() => {
      renewal = null;
      show();
      void work();
    });
    show();
  };

  const renew = async (): Promise<void> => {
    while (!closed) {
      const since = queue.reduce((least, entry) => Math.min(least, entry.revision ?? least), revision.peek());
      const found = await model.renew(since).catch((error: unknown) => error);
      if (closed) return;
      if (isRenewal(found)) {
        online();
        return takeRenewal(found);
      }
      gone = found instanceof ApiError && found.status === 404;
      if (gone) return;
      await new Promise<void>((done) => {
        tryRenewal = done;
        offline(found, done);
      });
    }
  };

  const takeRenewal = (fresh: Renewal): void =>
    batch(() => {
      setQueue(afterBase(queue, fresh.log, fresh.revision));
      fresh.swap(queue);
      revision.value = fresh.revision;
      for (const { cells, grids, changes } of queue) model.applyRemote(cells, grids, changes);
      for (const entry of queue) adopted.add(entry.key);
    });

  const takeIn = (edits: ServerEdit[], last: number): void => {
    const met = edits.length > 0 && queue.length > 0 ? model.meeting(edits, queue) : null;
    batch(() => {
      for (const { cells = [], grids = [], changes } of edits) model.applyRemote(cells, grids, changes);
      revision.value = Math.max(revision.value, last);
    });
    if (edits.length > 0) model.arrived(edits);
    met?.();
  };

  // What was heard while an edit was under way. A hole in the numbers means that something was missed.
  const takeHeld = async (): Promise<boolean> => {
    while (held.length > 0 && !blocked()) {
      const next = held.filter((edit) => edit.revision > revision.value).sort((a, b) => a.revision - b.revision);
      held = [];
      if (next.length === 0) return true;
      const whole = next[0].revision === revision.value + 1 && next.every((edit, i) => edit.revision === next[0].revision + i);
      const edits = whole ? next : await client.edits(plan, revision.value, true);
      if (closed || !meet(edits)) return false;
    }
    return !blocked();
  };

  const sendFirst = async (): Promise<boolean> => {
    const entry = queue[0];
    const again = adopted.has(entry.key);
    try {
      const answer = await client.send(plan, revision.value, bodyOf(entry));
      const old = answer.revision <= revision.value;
      online();
      confirm(entry, answer.revision);
      batch(() => {
        revision.value = Math.max(revision.value, answer.revision);
        savedAt.value = parts.now();
      });
      // The server had it before this page was loaded: others may have built on it since.
      if (old && again && entry.cells.length + entry.changes.length > 0) {
        startAnew();
        return false;
      }
      return !closed;
    } catch (error) {
      if (closed) return false;
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 412) return await stale(error);
      if (error.passing) offline(error);
      else {
        online();
        refusal.value = { entry, code: error.code, detail: error.message, told: toldBy(error) };
      }
      return false;
    }
  };

  const stale = async (error: ApiError): Promise<boolean> => {
    online();
    const current = Number(error.body.revision);
    const told = (error.body.edits ?? []) as ServerEdit[];
    const edits = told.length > 0 ? told : await client.edits(plan, revision.value, true);
    if (closed) return false;
    if (edits.length === 0 && current < revision.value) {
      // The server went back (a backup was restored): our edits go on what it has now.
      startAnew();
      return false;
    }
    return meet(edits);
  };

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    try {
      while (!blocked() && (await takeHeld()) && queue.length > 0) {
        show();
        if (!(await sendFirst())) break;
      }
    } catch (error) {
      offline(error);
    } finally {
      working = false;
      show();
    }
  };

  const catchUp = async (): Promise<void> => {
    cancelWait();
    tryRenewal();
    if (renewal) return renewal;
    if (blocked() || working) return;
    working = true;
    let going = false;
    try {
      const edits = await client.edits(plan, revision.value, true);
      online();
      going = !closed && meet(edits);
    } catch (error) {
      gone = error instanceof ApiError && error.status === 404;
      if (error instanceof ApiError && !error.passing) going = true;
      else offline(error);
    } finally {
      working = false;
      show();
    }
    if (going) await work();
    if (renewal) await renewal;
  };

  const close = (): void => {
    closed = true;
    cancelWait();
    tryRenewal();
    show();
  };

  const settle = (choose: (theirs: ServerEdit[], overlap: Overlap) => ServerEdit[]): void => {
    const now = conflict.peek();
    if (!now || closed) return;
    const { theirs } = now;
    const last = theirs[theirs.length - 1].revision;
    const edits = choose(theirs, overlapOf(theirs, queue));
    conflict.value = null;
    takeIn(edits, last);
    show();
    void work();
  };

  return {
    standing,
    unsent,
    savedAt,
    revision,
    conflict,
    refusal,
    push(entry) {
      if (closed) return void outbox.put([entry]).catch(() => undefined);
      queue.push(resolved(entry, known));
      void outbox.put([queue[queue.length - 1]]).catch(() => undefined);
      show();
      if (away === null) void work();
    },
    adopt(entries) {
      begun = true;
      if (entries.length === 0) return show();
      batch(() => {
        for (const { cells, grids, changes } of entries) model.applyRemote(cells, grids, changes);
      });
      for (const entry of entries) adopted.add(entry.key);
      queue = [...queue, ...entries];
      show();
      void work();
    },
    heard(edit) {
      held.push(edit);
      void work();
    },
    catchUp,
    whenSaved: () =>
      new Promise((done) => {
        let over = false;
        const stop = effect(() => {
          const now = standing.value;
          if (over || now === "saving" || now === "renewing") return;
          over = true;
          queueMicrotask(() => stop());
          done(now === "saved" ? revision.peek() : null);
        });
      }),
    pause() {
      let over = false;
      pauses++;
      show();
      return async () => {
        if (over) return;
        over = true;
        pauses--;
        show();
        await catchUp();
      };
    },
    keepMine: () => settle((theirs, overlap) => without(theirs, overlap)),
    takeTheirs: () =>
      settle((theirs, overlap) => {
        setQueue(without(queue, overlap));
        return theirs;
      }),
    async dropRefused() {
      const now = refusal.peek();
      if (!now) return;
      setQueue(queue.filter((entry) => entry.key !== now.entry.key));
      refusal.value = null;
      startAnew();
      await renewal;
    },
    tryAgain() {
      refusal.value = null;
      void catchUp();
    },
    revisionOf: (key) => known.get(key) ?? null,
    waiting: () => queue,
    close,
  };
}

const isRenewal = (found: unknown): found is Renewal => found !== null && typeof found === "object" && "swap" in found;

function resolved(entry: Unsent, known: ReadonlyMap<string, number>): Unsent {
  const at = entry.undoesKey === null ? undefined : known.get(entry.undoesKey);
  return at === undefined ? entry : { ...entry, undoes: at, undoesKey: null };
}

function bodyOf({ key, kind, cells, grids, changes, undoes }: Unsent): EditBody {
  return { key, kind, cells, grids, changes: changes.map(({ path, value }) => ({ path, value })), undoes };
}
