/** What the page keeps in the browser: steps and photos that are not sent yet, and what was last seen of the server. */

import type { Entry, NewEntry, QueueKeep } from "./queue";

/** Values by name, of what was last seen. */
export interface Seen {
  get<T>(name: string): Promise<T | undefined>;
  set(name: string, value: unknown): Promise<void>;
  /** Names that begin with a text. */
  names(begin: string): Promise<string[]>;
  remove(names: readonly string[]): Promise<void>;
}

export interface Keep {
  queue: QueueKeep;
  seen: Seen;
  /** False where the browser keeps nothing: then it lasts as long as the page. */
  lasting: boolean;
}

const NAME = "wangge.phone";
const QUEUE = "queue";
const SEEN = "seen";

export async function openKeep(factory: IDBFactory | undefined): Promise<Keep> {
  const base = await openBase(factory);
  return base ? { queue: storedQueue(base), seen: storedSeen(base), lasting: true } : memoryKeep();
}

function openBase(factory: IDBFactory | undefined): Promise<IDBDatabase | null> {
  return new Promise((done) => {
    try {
      if (!factory) return done(null);
      const request = factory.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(QUEUE, { keyPath: "order", autoIncrement: true });
        request.result.createObjectStore(SEEN);
      };
      request.onsuccess = () => done(request.result);
      request.onerror = () => done(null);
    } catch {
      done(null);
    }
  });
}

function ask<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error ?? new Error("the data base is closed"));
  });
}

/** Do something in one transaction, which is on the disk when the promise is kept. */
function change<T>(base: IDBDatabase, name: string, act: (store: IDBObjectStore) => T): Promise<T> {
  return new Promise((done, fail) => {
    const transaction = base.transaction(name, "readwrite");
    let result: T;
    transaction.oncomplete = () => done(result);
    transaction.onabort = transaction.onerror = () => fail(transaction.error ?? new Error("the data base is closed"));
    result = act(transaction.objectStore(name));
  });
}

function storedQueue(base: IDBDatabase): QueueKeep {
  return {
    all: () => ask(base.transaction(QUEUE).objectStore(QUEUE).getAll() as IDBRequest<Entry[]>),
    add: async (entries) => {
      await change(base, QUEUE, (store) => entries.forEach((entry) => store.add(entry)));
    },
    change: async (changed, removed) => {
      await change(base, QUEUE, (store) => {
        for (const entry of changed) store.put(entry);
        for (const order of removed) store.delete(order);
      });
    },
  };
}

function storedSeen(base: IDBDatabase): Seen {
  return {
    get: (name) => ask(base.transaction(SEEN).objectStore(SEEN).get(name)),
    set: async (name, value) => {
      await change(base, SEEN, (store) => store.put(value, name));
    },
    async names(begin) {
      const range = IDBKeyRange.bound(begin, `${begin}\uffff`);
      return (await ask(base.transaction(SEEN).objectStore(SEEN).getAllKeys(range))) as string[];
    },
    remove: async (names) => {
      await change(base, SEEN, (store) => names.forEach((name) => store.delete(name)));
    },
  };
}

/** The same for as long as the page is open. */
export function memoryKeep(): Keep {
  const rows = new Map<number, Entry>();
  const seen = new Map<string, unknown>();
  let last = 0;
  return {
    lasting: false,
    queue: {
      all: () => Promise.resolve([...rows.values()].sort((a, b) => a.order - b.order)),
      add(entries: readonly NewEntry[]) {
        for (const entry of entries) rows.set(++last, { ...entry, order: last });
        return Promise.resolve();
      },
      change(changed, removed) {
        for (const entry of changed) rows.set(entry.order, entry);
        for (const order of removed) rows.delete(order);
        return Promise.resolve();
      },
    },
    seen: {
      get: <T>(name: string) => Promise.resolve(seen.get(name) as T | undefined),
      set: (name, value) => Promise.resolve(void seen.set(name, value)),
      names: (begin) => Promise.resolve([...seen.keys()].filter((name) => name.startsWith(begin))),
      remove: (names) => Promise.resolve(names.forEach((name) => seen.delete(name))),
    },
  };
}
