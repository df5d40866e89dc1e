/** Edits that the server does not have yet, kept in the browser until it has them. */

import type { Change } from "../api/edits";

/** An edit of this browser that waits for the server. */
export interface Unsent {
  key: string;
  plan: string;
  /** The page that made it; another one takes it over once that page is gone. */
  client: string;
  /** Rises with every edit of a page; never used twice by one page. */
  order: number;
  /** Revision that the numbers of its cells are of; changes of base data after it give them others. */
  revision: number;
  /** Milliseconds since 1970, as the browser's clock says. */
  at: number;
  kind: string;
  cells: number[];
  grids: number[];
  /** Grid of each cell before this edit. */
  before: number[];
  changes: (Change & { before: unknown })[];
  /** Revision that it takes back; null where it takes back nothing, or something that is not sent yet. */
  undoes: number | null;
  /** Key of the edit that it takes back, as long as that has no revision. */
  undoesKey: string | null;
}

export interface Outbox {
  all(plan: string): Promise<Unsent[]>;
  put(entries: readonly Unsent[]): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
  /** The server took an edit of this browser: its revision is remembered as one of ours. */
  sent(key: string, plan: string, revision: number): Promise<void>;
  /** Revisions of a plan that were made in this browser. */
  mine(plan: string): Promise<Set<number>>;
  /** Write down at once what is still on its way into the data base; for a page that is being closed. */
  flush(): void;
}

/** The same as the data base has it: lists of numbers take hardly any time to be written down as typed arrays. */
type Stored = Omit<Unsent, "cells" | "grids" | "before"> & Record<"cells" | "grids" | "before", ArrayLike<number>>;

const packed = (entry: Unsent): Stored => ({
  ...entry,
  cells: Uint32Array.from(entry.cells),
  grids: Int32Array.from(entry.grids),
  before: Int32Array.from(entry.before),
});

const unpacked = (entry: Stored): Unsent => ({
  ...entry,
  cells: plainList(entry.cells),
  grids: plainList(entry.grids),
  before: plainList(entry.before),
});

/** A plain array of the same numbers; for many of them faster than Array.from. */
export function plainList(values: ArrayLike<number>): number[] {
  const list = new Array<number>(values.length);
  for (let i = 0; i < values.length; i++) list[i] = values[i];
  return list;
}

const NAME = "wangge";
const SPARE = "wangge.outbox";

/** Where a text can be kept at once; a browser that keeps nothing throws. */
export type Spare = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * The outbox in IndexedDB, with what is not written there yet also in memory. `trouble` is called where the browser does
 * not keep what it should (private windows of some, a full disk): the edits then last as long as the page.
 */
export function createOutbox(
  factory: IDBFactory | undefined,
  spare: Spare | null,
  trouble: () => void = () => undefined,
): Outbox {
  const opening = openBase(factory);
  // Newest form of each entry that the data base has not confirmed; null is "removed".
  const pending = new Map<string, Unsent | null>();
  const memory = new Map<string, Unsent>();
  const memoryMine = new Map<string, Set<number>>();

  for (const entry of takeSpare(spare)) pending.set(entry.key, entry);
  if (pending.size > 0) void write([...pending.keys()]);

  async function write(keys: readonly string[]): Promise<void> {
    const written = keys.map((key) => [key, pending.get(key)] as const);
    const base = await opening;
    for (const [key, entry] of written) {
      if (!base) memory.delete(key);
      if (!base && entry) memory.set(key, entry);
    }
    if (!base) trouble();
    else
      await run(base, ["unsent"], (stores) => {
        for (const [key, entry] of written) {
          if (entry) stores.unsent.put(packed(entry));
          else if (entry === null) stores.unsent.delete(key);
        }
      }).catch((error: unknown) => {
        trouble();
        throw error;
      });
    for (const [key, entry] of written) if (pending.get(key) === entry) pending.delete(key);
  }

  return {
    async all(plan) {
      const base = await opening;
      const found = base ? (await everything<Stored>(base, "unsent")).map(unpacked) : [...memory.values()];
      const known = new Map(found.map((entry) => [entry.key, entry]));
      for (const [key, entry] of pending) {
        if (entry) known.set(key, entry);
        else known.delete(key);
      }
      return inOrder([...known.values()].filter((entry) => entry.plan === plan));
    },
    put(entries) {
      for (const entry of entries) pending.set(entry.key, entry);
      return write(entries.map((entry) => entry.key));
    },
    remove(keys) {
      for (const key of keys) pending.set(key, null);
      return write(keys);
    },
    async sent(key, plan, revision) {
      pending.set(key, null);
      const ours = memoryMine.get(plan) ?? new Set<number>();
      memoryMine.set(plan, ours.add(revision));
      const base = await opening;
      if (base) await run(base, ["mine"], (stores) => stores.mine.put({ plan, revision }));
      await write([key]);
    },
    async mine(plan) {
      const base = await opening;
      const rows = base ? await everything<{ plan: string; revision: number }>(base, "mine") : [];
      const ours = new Set(rows.filter((row) => row.plan === plan).map((row) => row.revision));
      for (const revision of memoryMine.get(plan) ?? []) ours.add(revision);
      return ours;
    },
    flush() {
      const unwritten = [...pending.values()].filter((entry) => entry !== null);
      if (unwritten.length === 0 || !spare) return;
      try {
        spare.setItem(SPARE, JSON.stringify([...readSpare(spare), ...unwritten]));
      } catch {
        // Full or forbidden: what the data base has begun to write is then all there is.
      }
    },
  };
}

/** Order in which edits were made: by page, the page that began first before the others. */
export function inOrder(entries: Unsent[]): Unsent[] {
  const begun = new Map<string, number>();
  for (const { client, at } of entries) begun.set(client, Math.min(at, begun.get(client) ?? Infinity));
  return entries.sort(
    (a, b) =>
      (begun.get(a.client) as number) - (begun.get(b.client) as number) ||
      a.client.localeCompare(b.client) ||
      a.order - b.order,
  );
}

function readSpare(spare: Spare | null): Unsent[] {
  try {
    return JSON.parse(spare?.getItem(SPARE) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

function takeSpare(spare: Spare | null): Unsent[] {
  const entries = readSpare(spare);
  try {
    if (entries.length > 0) spare?.removeItem(SPARE);
  } catch {
    return [];
  }
  return entries;
}

// Null where the browser has no data base for us.
function openBase(factory: IDBFactory | undefined): Promise<IDBDatabase | null> {
  return new Promise((done) => {
    if (!factory) return done(null);
    try {
      const request = factory.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("unsent", { keyPath: "key" });
        request.result.createObjectStore("mine", { keyPath: ["plan", "revision"] });
      };
      request.onsuccess = () => done(request.result);
      request.onerror = () => done(null);
    } catch {
      done(null);
    }
  });
}

type StoreName = "unsent" | "mine";

function run(
  base: IDBDatabase,
  names: StoreName[],
  act: (stores: Record<StoreName, IDBObjectStore>) => void,
): Promise<void> {
  return new Promise((done, fail) => {
    const transaction = base.transaction(names, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => done();
    transaction.onabort = transaction.onerror = () => fail(transaction.error ?? new Error("the data base is closed"));
    act(Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])) as never);
  });
}

function everything<T>(base: IDBDatabase, name: StoreName): Promise<T[]> {
  return new Promise((done, fail) => {
    const request = base.transaction(name).objectStore(name).getAll() as IDBRequest<T[]>;
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error ?? new Error("the data base is closed"));
  });
}
