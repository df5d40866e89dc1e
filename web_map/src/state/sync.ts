/**
 * Carries the edits of this page to the server, one after the other, and those of others here.
 *
 * What the page shows is always: the server's plan at `revision`, and on it the unsent edits in their order. Nothing of
 * ours leaves the outbox before the server has it; nothing of others is overwritten without a word (see `Conflict`).
 */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EditBody, EditingClient, ServerEdit } from "../api/edits";
import { ApiError } from "../api/request";
import type { Outbox, Unsent } from "./outbox";
import { afterBase } from "./syncbase";
import { codesOf, isEmpty, madeBy, type Overlap, overlapOf, renumber, without } from "./syncrebase";

export type Standing = "saved" | "saving" | "offline" | "conflict" | "refused" | "closed";

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
}

/** What sync needs of the plan on the page. */
export interface SyncModel {
  applyRemote(cells: number[], grids: number[], changes: { path: string; value: unknown }[]): void;
  /** All codes that were ever used, and how many grids were ever made. */
  codes(): Iterable<string>;
  grids(): number;
  /** Load the plan anew and put what is in the outbox on it. */
  reload(): void;
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
  /** Ask for what was missed, and try to send. */
  catchUp(): Promise<void>;
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
  // Until the outbox was read nobody knows whether all is saved.
  let begun = false;
  let wait = FIRST_WAIT_MS;
  let cancelWait: () => void = () => undefined;

  const blocked = (): boolean => closed || conflict.peek() !== null || refusal.peek() !== null;

  const show = (): void =>
    batch(() => {
      unsent.value = queue.length;
      if (closed) standing.value = "closed";
      else if (conflict.value) standing.value = "conflict";
      else if (refusal.value) standing.value = "refused";
      else if (begun && queue.length === 0 && standing.value !== "offline") standing.value = "saved";
      else if (standing.value !== "offline") standing.value = "saving";
    });

  const online = (): void => {
    wait = FIRST_WAIT_MS;
    if (standing.peek() === "offline") standing.value = "saving";
  };
  const offline = (): void => {
    if (closed) return;
    standing.value = "offline";
    cancelWait();
    cancelWait = parts.later(wait, () => void catchUp());
    wait = Math.min(LONGEST_WAIT_MS, 2 * wait);
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
    const moved = afterBase(renamed ?? queue, theirs);
    if (moved ?? renamed) {
      setQueue(moved ?? renamed ?? queue);
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

  const startAnew = (): void => {
    close();
    model.reload();
  };

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
      if (error.passing) offline();
      else {
        online();
        refusal.value = { entry, code: error.code, detail: error.message };
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
    } catch {
      offline();
    } finally {
      working = false;
      show();
    }
  };

  const catchUp = async (): Promise<void> => {
    cancelWait();
    if (blocked() || working) return;
    working = true;
    let going = false;
    try {
      const edits = await client.edits(plan, revision.value, true);
      online();
      going = !closed && meet(edits);
    } catch (error) {
      if (error instanceof ApiError && !error.passing) going = true;
      else offline();
    } finally {
      working = false;
      show();
    }
    if (going) await work();
  };

  const close = (): void => {
    closed = true;
    cancelWait();
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
      if (standing.peek() !== "offline") void work();
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
    keepMine: () => settle((theirs, overlap) => without(theirs, overlap)),
    takeTheirs: () =>
      settle((theirs, overlap) => {
        setQueue(without(queue, overlap));
        return theirs;
      }),
    async dropRefused() {
      const now = refusal.peek();
      if (!now) return;
      close();
      await outbox.remove([now.entry.key]);
      startAnew();
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

function resolved(entry: Unsent, known: ReadonlyMap<string, number>): Unsent {
  const at = entry.undoesKey === null ? undefined : known.get(entry.undoesKey);
  return at === undefined ? entry : { ...entry, undoes: at, undoesKey: null };
}

function bodyOf({ key, kind, cells, grids, changes, undoes }: Unsent): EditBody {
  return { key, kind, cells, grids, changes: changes.map(({ path, value }) => ({ path, value })), undoes };
}
