/** A server and a plan in memory that follow docs/http.md, for tests of what happens between them. */

import type { Change, EditAnswer, EditBody, ServerEdit } from "../src/api/edits";
import { ApiError } from "../src/api/request";
import type { Outbox, Unsent } from "../src/state/outbox";
import { inOrder } from "../src/state/outbox";
import { createSync, type Sync } from "../src/state/sync";

export class FakeServer {
  cells: number[];
  values = new Map<string, unknown>();
  log: ServerEdit[] = [];
  /** "dead": nothing arrives; "deaf": it does its work and the answer is lost. */
  line: "good" | "dead" | "deaf" = "good";
  refuse: ApiError | null = null;
  sends = 0;

  constructor(cells: number) {
    this.cells = new Array<number>(cells).fill(0);
  }

  get revision(): number {
    return this.log.length;
  }

  readonly client = {
    send: async (_plan: string, revision: number, edit: EditBody): Promise<EditAnswer> => {
      await undefined;
      this.sends++;
      if (this.line === "dead") throw new ApiError("no-connection", 0, "");
      const known = this.log.find((each) => each.key === edit.key);
      if (!known) {
        if (this.refuse) throw this.refuse;
        if (revision !== this.revision)
          throw new ApiError("stale-revision", 412, "", { revision: this.revision, edits: this.log.slice(revision) });
        this.take(edit, "me");
      }
      if (this.line === "deaf") throw new ApiError("no-connection", 0, "");
      const { revision: at, who } = known ?? this.log[this.log.length - 1];
      return { revision: at, at: "", who };
    },
    edits: async (_plan: string, since: number): Promise<ServerEdit[]> => {
      await undefined;
      if (this.line !== "good") throw new ApiError("no-connection", 0, "");
      return this.log.slice(since);
    },
  };

  /** An edit that the server takes in, of whomever. */
  take(edit: EditBody, who: string): ServerEdit {
    const before = edit.cells.map((cell) => this.cells[cell]);
    edit.cells.forEach((cell, i) => (this.cells[cell] = edit.grids[i]));
    for (const { path, value } of edit.changes) setValue(this.values, path, value);
    const kept = { ...edit, revision: this.revision + 1, at: "", who, n_cells: edit.cells.length, undone_by: null, before };
    this.log.push(kept);
    return kept;
  }

  /** What another planner does. */
  other(cells: number[], grid: number, changes: Change[] = []): ServerEdit {
    const grids = cells.map(() => grid);
    return this.take({ key: `other-${this.revision}`, kind: "paint", cells, grids, changes, undoes: null }, "other");
  }
}

export function setValue(values: Map<string, unknown>, path: string, value: unknown): void {
  if (value === null) values.delete(path);
  else values.set(path, value);
}

export function memoryOutbox(): Outbox & { rows: Map<string, Unsent>; own: Set<number> } {
  const rows = new Map<string, Unsent>();
  const own = new Set<number>();
  return {
    rows,
    own,
    all: async (plan) => inOrder([...rows.values()].filter((row) => row.plan === plan)),
    put: async (entries) => entries.forEach((entry) => rows.set(entry.key, entry)),
    remove: async (keys) => keys.forEach((key) => rows.delete(key)),
    sent: async (key, _plan, revision) => {
      rows.delete(key);
      own.add(revision);
    },
    mine: async () => own,
    flush: () => undefined,
  };
}

/** One page: what it shows, its sync, and its timers, which the test lets run out. */
export class FakePage {
  cells: number[] = [];
  values = new Map<string, unknown>();
  sync!: Sync;
  reloads = 0;
  timers: (() => void)[] = [];
  seen: ServerEdit[] = [];
  met: { theirs: number; ours: number; moved: boolean }[] = [];
  /** What loading the plan anew waits for. */
  loading: Promise<void> = Promise.resolve();
  private order = 0;

  constructor(
    readonly server: FakeServer,
    readonly outbox: Outbox,
    readonly client = "a",
  ) {}

  async open(): Promise<this> {
    this.cells = [...this.server.cells];
    this.values = new Map(this.server.values);
    this.sync = createSync({
      plan: "p",
      revision: this.server.revision,
      client: this.server.client,
      outbox: this.outbox,
      model: {
        applyRemote: (cells, grids, changes) => this.put(cells, grids, changes),
        codes: () => [...this.values.values()].map((value) => (value as { code: string }).code).filter(Boolean),
        grids: () => 1 + Math.max(0, ...[...this.values.keys()].map((path) => Number(/^grid\/(\d+)$/.exec(path)?.[1] ?? 0))),
        renew: async (since) => {
          this.reloads++;
          const log = await this.server.client.edits("p", since);
          const { revision } = this.server;
          const [cells, values] = [[...this.server.cells], new Map(this.server.values)];
          await this.loading;
          return { revision, log, swap: () => ([this.cells, this.values] = [cells, values]) };
        },
        arrived: (edits) => this.seen.push(...edits),
        meeting: (theirs, ours) => {
          const cells = [...this.cells];
          return () => this.met.push({ theirs: theirs.length, ours: ours.length, moved: cells.join() !== this.cells.join() });
        },
      },
      later: (_, then) => {
        this.timers.push(then);
        return () => (this.timers = this.timers.filter((each) => each !== then));
      },
      now: () => 1,
    });
    this.sync.adopt(await this.outbox.all("p"));
    return this;
  }

  private put(cells: number[], grids: number[], changes: Change[]): void {
    cells.forEach((cell, i) => (this.cells[cell] = grids[i]));
    for (const { path, value } of changes) setValue(this.values, path, value);
  }

  /** An edit by this page's user. */
  edit(cells: number[], grid: number, changes: Change[] = [], more: Partial<Unsent> = {}): string {
    const key = `${this.client}-${this.order}`;
    const entry: Unsent = {
      key,
      plan: "p",
      client: this.client,
      order: this.order++,
      revision: this.sync.revision.value,
      at: this.order,
      kind: "paint",
      cells,
      grids: cells.map(() => grid),
      before: cells.map((cell) => this.cells[cell]),
      changes: changes.map((change) => ({ ...change, before: this.values.get(change.path) ?? null })),
      undoes: null,
      undoesKey: null,
      ...more,
    };
    this.put(cells, entry.grids, changes);
    this.sync.push(entry);
    return key;
  }

  /** Let the waiting timers run out. */
  wake(): void {
    for (const timer of this.timers.splice(0)) timer();
  }
}

/** Let everything that is under way come to rest. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 60; i++) await new Promise((done) => setImmediate(done));
}
