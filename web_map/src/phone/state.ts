/** What the worker's page shows, and what it does: cases as last seen, steps kept until the server has them. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { CaseDetail, CaseEvent, CaseRow, CaseState, ReportBody, Rules, StepBody } from "../api/cases";
import type { BaseFile, GridName, Ground, Owner, PhoneClient } from "../api/phone";
import { ApiError } from "../api/request";
import type { PlanSummary } from "../api/types";
import type { Lang } from "../i18n/format";
import { inOrder, stateAfter, type Waiting } from "./machine";
import type { Seen } from "./keep";
import type { CaseQueue, Entry } from "./queue";
import type { Say } from "./words";

export type Route =
  | { page: "cases" | "new" | "queue" | "me" }
  | { page: "case"; id: number };

export interface Kept<T> {
  value: T;
  /** When the server said so, in milliseconds since 1970. */
  at: number;
}

/** A message that is read out and shown for a moment. */
export interface Notice {
  text: string;
  tone: "good" | "plain" | "bad";
}

export interface PhoneState {
  lang: Signal<Lang>;
  dark: Signal<boolean>;
  route: Signal<Route>;
  who: Signal<string>;
  owner: Signal<Owner | null>;
  /** Minutes and overdue marks follow this clock. */
  now: Signal<number>;
  rows: Signal<Kept<CaseRow[]> | null>;
  /** The step from which the server's events go on; null as long as no list came. */
  serial: Signal<number | null>;
  listing: Signal<"idle" | "asking" | "failed">;
  details: Signal<ReadonlyMap<number, Kept<CaseDetail>>>;
  /** Cases that the server does not know. */
  missing: Signal<ReadonlySet<number>>;
  rules: Signal<Rules | null>;
  notice: Signal<Notice | null>;
  /** A newer version of the page is on the phone. */
  newer: Signal<boolean>;
  /** False where the browser keeps nothing. */
  lasting: Signal<boolean>;
  /** Where a form was begun by a refused step: its order in the queue. */
  mending: Signal<number | null>;
}

export function createPhoneState(lang: Lang): PhoneState {
  return {
    lang: signal(lang),
    dark: signal(false),
    route: signal<Route>({ page: "cases" }),
    who: signal(""),
    owner: signal<Owner | null>(null),
    now: signal(Date.now()),
    rows: signal<Kept<CaseRow[]> | null>(null),
    serial: signal<number | null>(null),
    listing: signal<"idle" | "asking" | "failed">("idle"),
    details: signal<ReadonlyMap<number, Kept<CaseDetail>>>(new Map()),
    missing: signal<ReadonlySet<number>>(new Set()),
    rules: signal<Rules | null>(null),
    notice: signal<Notice | null>(null),
    newer: signal(false),
    lasting: signal(true),
    mending: signal<number | null>(null),
  };
}

/** Steps of the worker that wait for a case; those that were refused do not count. */
export function waitingOf(entries: readonly Entry[], id: number): (Waiting & { order: number })[] {
  return entries.flatMap(({ case: of, deed, order, refused }) =>
    of === id && deed.kind === "step" && !refused
      ? [{ kind: deed.step.kind, passed: deed.step.passed, order }]
      : [],
  );
}

export interface ListRow {
  row: CaseRow;
  /** Where it stands once what waits is sent. */
  state: CaseState;
  waiting: number;
  refused: number;
}

export interface Phone {
  state: PhoneState;
  queue: CaseQueue;
  client: PhoneClient;
  t: Say;
  /** My cases in their order, with what waits. */
  list: ReadonlySignal<ListRow[]>;
  load(): Promise<void>;
  open(id: number): Promise<void>;
  told(event: CaseEvent): void;
  /** What the server said of a case, in an answer to a step. */
  known(detail: CaseDetail): void;
  chooseOwner(owner: Owner): Promise<void>;
  /** Learn the rules, and keep the base map: what new cases need. */
  prepare(): Promise<void>;
  step(id: number, step: Omit<StepBody, "key" | "seen">, mends?: number | null): Promise<void>;
  photo(id: number, photo: Blob, name: string): Promise<void>;
  report(body: Omit<ReportBody, "key" | "where">, photos: readonly { photo: Blob; name: string }[]): Promise<void>;
  /** Border of the grid in which a case lies, and whom to call. */
  ground(row: CaseRow): Promise<Ground | null>;
  base(plan: number | string | null): Promise<BaseFile | null>;
  /** Grids of the plan that holds. */
  owners(): Promise<GridName[]>;
  rules(): Promise<Rules | null>;
  say(text: string, tone?: Notice["tone"]): void;
  go(route: Route): void;
}

const DETAILS_AT_ONCE = 3;
const AHEAD_BYTES = 3_000_000;
const MOST_BASES = 3;
const MOST_KEPT = 300;
const FORGET_MS = 14 * 86_400_000;

export interface PhoneParts {
  state: PhoneState;
  queue: CaseQueue;
  client: PhoneClient;
  one(id: number): Promise<CaseDetail>;
  rules(): Promise<Rules>;
  seen: Seen;
  t: Say;
  now(): number;
  /** Whether the phone asks to fetch no more than is needed. */
  sparing(): boolean;
  go(route: Route): void;
}

export function createPhone(parts: PhoneParts): Phone {
  const { state, queue, client, seen, t } = parts;
  const list = computed(() => listOf(state.rows.value?.value ?? [], queue.entries.value));
  const rowsName = ({ kind, name }: Owner): string => `rows:${kind}:${name}`;
  const keep = (name: string, value: unknown): void => void seen.set(name, value).catch(() => undefined);

  /** Ask the server, and where it does not answer take what it said last. */
  async function latest<T>(name: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      const value = await ask();
      keep(name, { value, at: parts.now() });
      return value;
    } catch (error) {
      const kept = await seen.get<Kept<T>>(name).catch(() => undefined);
      if (!kept && error instanceof ApiError && !error.passing) throw error;
      return kept?.value ?? null;
    }
  }

  function setRows(rows: CaseRow[], at: number): void {
    const owner = state.owner.peek();
    state.rows.value = { value: rows, at };
    state.now.value = parts.now();
    if (owner) keep(rowsName(owner), state.rows.value);
  }

  function setDetail(detail: CaseDetail, at: number): void {
    state.details.value = new Map(state.details.peek()).set(detail.id, { value: detail, at });
    keep(`case:${detail.id}`, { value: detail, at });
  }

  function known(detail: CaseDetail): void {
    setDetail(detail, parts.now());
    merge(detail);
  }

  // A row takes its place in the list, or leaves it.
  function merge(row: CaseRow): "new" | "gone" | "changed" | "other" {
    const rows = state.rows.peek();
    const owner = state.owner.peek();
    if (!rows || !owner) return "other";
    const was = rows.value.some(({ id }) => id === row.id);
    const isMine = isOpen(row.state) && (owner.kind === "unit" ? row.unit : row.grid_code) === owner.name;
    if (!was && !isMine) return "other";
    const others = rows.value.filter(({ id }) => id !== row.id);
    setRows(isMine ? [...others, row] : others, rows.at);
    return !was ? "new" : isMine ? "changed" : "gone";
  }

  async function open(id: number): Promise<void> {
    if (!state.details.peek().has(id)) {
      const kept = await seen.get<Kept<CaseDetail>>(`case:${id}`).catch(() => undefined);
      if (kept && !state.details.peek().has(id))
        state.details.value = new Map(state.details.peek()).set(id, kept);
    }
    try {
      known(await parts.one(id));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404)
        state.missing.value = new Set(state.missing.peek()).add(id);
    }
  }

  // So that each case of the list is there without a line, too: what is most urgent first, then borders and people.
  async function fetchDetails(rows: readonly CaseRow[]): Promise<void> {
    const all = inOrder(rows);
    await inTurn(all, async ({ id, n_steps }) => {
      const shown = state.details.peek().get(id);
      const kept = shown ?? (await seen.get<Kept<CaseDetail>>(`case:${id}`));
      if (kept?.value.n_steps === n_steps) return;
      const value = await parts.one(id);
      if (shown) setDetail(value, parts.now());
      else await seen.set(`case:${id}`, { value, at: parts.now() });
    });
    await inTurn(all, async (row) => {
      if (!(await seen.get(`ground:${row.id}`))) await groundOf(row);
    });
  }

  const groundOf = ({ id, lon, lat }: CaseRow): Promise<Ground | null> =>
    latest(`ground:${id}`, () => client.ground(lon, lat)).catch(() => null);

  async function forget(): Promise<void> {
    const names = await seen.names("case:");
    if (names.length <= MOST_KEPT) return;
    const old: string[] = [];
    for (const name of names) {
      const kept = await seen.get<Kept<CaseDetail>>(name);
      if (kept && parts.now() - kept.at > FORGET_MS) old.push(name);
    }
    await seen.remove([...old, ...old.map((name) => name.replace("case:", "ground:"))]);
  }

  async function load(): Promise<void> {
    const owner = state.owner.peek();
    if (!owner || state.listing.peek() === "asking") return;
    state.listing.value = "asking";
    try {
      const { rows, serial } = await client.mine(owner);
      if (state.owner.peek() !== owner) return;
      setRows(rows, parts.now());
      state.serial.value = serial;
      queue.line.value = "open";
      state.listing.value = "idle";
      void queue.send();
      await fetchDetails(rows).catch(() => undefined);
      await forget().catch(() => undefined);
    } catch {
      state.listing.value = "failed";
      if (queue.line.peek() === "open" || queue.line.peek() === "unknown") queue.line.value = "dead";
    } finally {
      if (state.listing.peek() === "asking") state.listing.value = "idle";
    }
  }

  // A small base map is fetched before it is wanted, so that it is there without a line; a large one when it is opened.
  async function fetchBase(dataset: string): Promise<void> {
    if (parts.sparing() || (await seen.get(`base:${dataset}`))) return;
    const bytes = await client.baseBytes(dataset);
    if (bytes !== null && bytes <= AHEAD_BYTES) await newestBase(dataset);
  }

  async function chooseOwner(owner: Owner): Promise<void> {
    state.owner.value = owner;
    state.listing.value = "idle";
    const kept = await seen.get<Kept<CaseRow[]>>(rowsName(owner)).catch(() => undefined);
    state.rows.value = kept ?? null;
    await load();
  }

  async function prepare(): Promise<void> {
    state.rules.value = (await phone.rules().catch(() => null)) ?? state.rules.peek();
    const plan = planInForce((await latest("plans", client.plans).catch(() => null)) ?? []);
    if (plan) await fetchBase(String(plan.dataset_id)).catch(() => undefined);
  }

  const phone: Phone = {
    state,
    queue,
    client,
    t,
    list,
    load,
    open,
    known,
    chooseOwner,
    prepare,
    told(event) {
      const steps = rowOf(event.id)?.n_steps ?? state.details.peek().get(event.id)?.value.n_steps ?? 0;
      // Told again after a broken line.
      if (steps >= event.n_steps) return;
      const what = merge(event);
      if (what === "new" && event.kind !== "note")
        phone.say(t("told.new", { id: String(event.id), category: event.category }), "plain");
      if (what === "gone") phone.say(t("told.gone", { id: String(event.id), unit: event.unit ?? "" }), "plain");
      // It is wanted without a line, too.
      if (what === "new" || what === "changed" || state.details.peek().has(event.id))
        void fetchDetails([event]).catch(() => undefined);
    },
    async step(id, step, mends = null) {
      const seenSteps = step.kind === "note" ? null : (state.details.peek().get(id)?.value.n_steps ?? rowOf(id)?.n_steps);
      await queue.add({ kind: "step", step }, { case: id, who: state.who.peek(), seen: seenSteps ?? null });
      if (mends !== null) await queue.drop(mends);
      state.mending.value = null;
    },
    async photo(id, photo, name) {
      await queue.add({ kind: "photo", photo, name }, { case: id, who: state.who.peek() });
    },
    report: (body, photos) => queue.report(body, photos, state.who.peek()),
    ground: groundOf,
    async base(planId) {
      const plans = (await latest("plans", client.plans).catch(() => null)) ?? [];
      const plan = plans.find(({ id }) => String(id) === String(planId)) ?? planInForce(plans);
      if (!plan) return null;
      return newestBase(String(plan.dataset_id));
    },
    async owners() {
      const plans = (await latest("plans", client.plans)) ?? [];
      const plan = planInForce(plans);
      return plan ? ((await latest(`grids:${plan.id}`, () => client.grids(plan.id))) ?? []) : [];
    },
    rules: () => latest("rules", parts.rules),
    say(text, tone = "plain") {
      state.notice.value = { text, tone };
    },
    go: parts.go,
  };

  async function newestBase(dataset: string): Promise<BaseFile | null> {
    const name = `base:${dataset}`;
    const kept = await seen.get<BaseFile>(name).catch(() => undefined);
    try {
      const file = await client.base(dataset);
      if (file.etag !== kept?.etag) {
        keep(name, file);
        const others = (await seen.names("base:")).filter((each) => each !== name);
        if (others.length >= MOST_BASES) await seen.remove(others);
      }
      return file;
    } catch {
      return kept ?? null;
    }
  }

  const rowOf = (id: number): CaseRow | undefined => state.rows.peek()?.value.find((row) => row.id === id);
  return phone;
}

/** Do something with each, a few at a time. */
async function inTurn<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one);
  };
  await Promise.all(Array.from({ length: DETAILS_AT_ONCE }, work));
}

const ENDED: ReadonlySet<CaseState> = new Set(["closed", "evaluated", "cancelled", "duplicate"]);
const isOpen = (state: CaseState): boolean => !ENDED.has(state);

function listOf(rows: readonly CaseRow[], entries: readonly Entry[]): ListRow[] {
  const found = rows.map((row) => {
    const waiting = waitingOf(entries, row.id);
    return {
      row,
      id: row.id,
      due_at: row.due_at,
      accept_by: row.accept_by,
      state: stateAfter(row.state, waiting),
      waiting: entries.filter((entry) => entry.case === row.id && !entry.refused).length,
      refused: entries.filter((entry) => entry.case === row.id && entry.refused).length,
    };
  });
  return inOrder(found);
}

/** The plan that came into force last, else the newest. */
export function planInForce(plans: readonly PlanSummary[]): PlanSummary | null {
  const published = plans.filter(({ state }) => state === "published");
  published.sort((a, b) => (b.valid_from ?? "").localeCompare(a.valid_from ?? "") || Number(b.id) - Number(a.id));
  return published[0] ?? plans[0] ?? null;
}
