/** Edits, drafts, publishing and long work on plans (docs/http.md). */

import { withTextIds } from "./client";
import { type Ask, sending } from "./request";
import type { PlanSummary } from "./types";

/** One attribute of a plan; null is absent. */
export interface Change {
  path: string;
  value: unknown;
}

export interface EditBody {
  /** Made by the client, so that an edit sent twice counts once. */
  key: string;
  kind: string;
  cells: number[];
  /** New grid of each cell. */
  grids: number[];
  changes: Change[];
  /** Revision that this edit takes back, or null. */
  undoes: number | null;
}

export interface EditAnswer {
  revision: number;
  at: string;
  who: string;
}

/** An edit as the server keeps it. */
export interface ServerEdit {
  revision: number;
  /** The key that its client gave it. */
  key?: string | null;
  at: string;
  who: string;
  kind: string;
  n_cells: number;
  undoes: number | null;
  undone_by: number | null;
  changes: (Change & { before?: unknown })[];
  cells?: number[];
  grids?: number[];
  before?: number[];
}

export interface Staff {
  role: string;
  name: string;
  phone: string;
  hours: string;
  deputy: string;
}

export interface GridState {
  grid_ix: number;
  code: string;
  /** The code that it was made with, before any change of it. */
  first_code?: string;
  boundary_code: string | null;
  name: string | null;
  colour: number | null;
  locked: boolean;
  staff: Staff[];
  retired: boolean;
}

export interface PlanState {
  plan: string;
  revision: number;
  state: PlanSummary["state"];
  grids: GridState[];
  locked_cells: number[];
  locked_borders: [number, number][];
  notes: { id: string; lon: number; lat: number; text: string }[];
}

export type CheckKind = "out_of_bounds" | "in_pieces" | "unassigned" | "unnamed" | "without_staff";

export interface CheckItem {
  kind: CheckKind;
  grid_ix: number | null;
  cells: number[];
  message: string;
}

export interface Checks {
  items: CheckItem[];
  publishable: boolean;
}

export interface Comparison {
  households_moved: number;
  people_moved: number | null;
  buildings: {
    id: string;
    name: string | null;
    address: string | null;
    households: number;
    from: string | null;
    to: string | null;
    /** A place in it, and its cell in the first and in the second plan. */
    lon: number;
    lat: number;
    cell_from: number;
    cell_to: number;
  }[];
  pairs: { from: string | null; to: string | null; households: number; buildings: number }[];
}

/** Why a bound cannot be met; `case` and `numbers` tell it apart, `reason` and `mend` are English. */
export interface Reason {
  what: string;
  where: string;
  reason: string;
  cell_ix: number[];
  mend: string;
  case?: string;
  numbers?: Record<string, number | string>;
}

/** What the server proposes; it counts only once it is sent as an edit. */
export interface Proposal {
  cells: number[];
  grids: number[];
  changes?: Change[];
  moved?: number;
  in_bounds?: { before: number; after: number; grids: number };
  reasons?: Reason[];
}

export interface Job {
  state: "running" | "done" | "failed" | "cancelled";
  progress: number;
  result: Proposal | null;
  error: string | null;
  /** Code of the error tree. */
  code?: string | null;
}

/** What else can be asked of a proposal; what is left out is as the server thinks fit. */
export interface AskedWish {
  min: number | null;
  max: number | null;
  /** Column of buildings or formula; null: households. */
  weight?: string | null;
  further?: { weight: string; min: number | null; max: number | null }[];
  barriers?: "cost" | "cut";
  pieces?: "alone" | "nearest" | "crossings";
  max_walk?: number | null;
  locks?: boolean;
}

export interface SolveWish extends AskedWish {
  boundary: string | null;
  /** How many, or the least and the most of it. */
  grids: number | [number, number] | null;
  objective?: "plan" | "street" | "border" | "balance";
}

export interface RebalanceWish extends AskedWish {
  grids: number[] | null;
  /** Most households that may change hands. */
  max_moved?: number | null;
}

export interface EditingClient {
  state(plan: string): Promise<PlanState>;
  send(plan: string, revision: number, edit: EditBody): Promise<EditAnswer>;
  edits(plan: string, since: number, cells: boolean): Promise<ServerEdit[]>;
  /** `base`: whether base data changed since, and were restored too or kept. */
  restore(plan: string, current: number, revision: number): Promise<EditAnswer & { base: "same" | "restored" | "kept" }>;
  branch(from: string, name: string): Promise<PlanSummary>;
  /** Make a draft without grids on a data version. */
  begin(dataset: string, name: string, bounds: [number, number] | null): Promise<PlanSummary>;
  rename(plan: string, name: string): Promise<void>;
  remove(plan: string): Promise<void>;
  checks(plan: string): Promise<Checks>;
  publish(plan: string, revision: number, validFrom: string, except: CheckKind[]): Promise<void>;
  compare(plan: string, other: string): Promise<Comparison>;
  suggest(plan: string, grid: number): Promise<Proposal>;
  rebalance(plan: string, wish: RebalanceWish): Promise<string>;
  solve(plan: string, wish: SolveWish): Promise<string>;
  job(id: string): Promise<Job>;
  cancel(id: string): Promise<void>;
}

const PAGE = 500;

const MANY = 5000;

export function createEditing(ask: Ask): EditingClient {
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json() as Promise<T>;
  const at = (plan: string, rest = ""): string => `api/plans/${encodeURIComponent(plan)}${rest}`;
  const onto = (revision: number): Record<string, string> => ({ "If-Match": `"${revision}"` });
  const started = async (path: string, wish: unknown): Promise<string> =>
    String((await json<{ job: string | number }>(path, sending("POST", wish))).job);
  return {
    state: (plan) => json(at(plan, "/state")),
    async send(plan, revision, edit) {
      // Many cells take some milliseconds to be written out: not in the frame in which the hand let go.
      if (edit.cells.length > MANY) await new Promise((done) => setTimeout(done));
      return json(at(plan, "/assignment"), sending("PATCH", edit, onto(revision)));
    },
    async edits(plan, since, cells) {
      const all: ServerEdit[] = [];
      for (let from = since; ; ) {
        const page = await json<ServerEdit[]>(at(plan, `/edits?since=${from}&limit=${PAGE}&cells=${cells}`));
        all.push(...page);
        if (page.length === 0) return all;
        from = page[page.length - 1].revision;
      }
    },
    restore: (plan, current, revision) => json(at(plan, "/restore"), sending("POST", { revision }, onto(current))),
    branch: async (from, name) => withTextIds(await json<PlanSummary>("api/plans", sending("POST", { from, name }))),
    begin: async (dataset, name, bounds) =>
      withTextIds(await json<PlanSummary>(`api/datasets/${encodeURIComponent(dataset)}/plans`, sending("POST", { name, bounds }))),
    rename: async (plan, name) => void (await ask(at(plan), sending("PATCH", { name }))),
    remove: async (plan) => void (await ask(at(plan), sending("DELETE"))),
    checks: (plan) => json(at(plan, "/checks")),
    publish: async (plan, revision, validFrom, except) =>
      void (await ask(at(plan, "/publish"), sending("POST", { valid_from: validFrom, except }, onto(revision)))),
    compare: (plan, other) => json(at(plan, `/compare?with=${encodeURIComponent(other)}`)),
    suggest: (plan, grid) => json(at(plan, "/suggest"), sending("POST", { grid })),
    rebalance: (plan, wish) => started(at(plan, "/rebalance"), wish),
    solve: (plan, wish) => started(at(plan, "/solve"), wish),
    job: (id) => json(`api/jobs/${encodeURIComponent(id)}`),
    cancel: async (id) => void (await ask(`api/jobs/${encodeURIComponent(id)}`, sending("DELETE"))),
  };
}
