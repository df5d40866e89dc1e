/** The dispatcher's desk: all cases as they change, the one that is chosen, and what is done with it. */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import {
  type CaseDetail, type CaseEvent, type CaseRow, type CasesClient, listenToCases, type NearFacility, type Rules, type StaffNear, type StepBody, type StepKind,
} from "../api/cases"; // prettier-ignore
import { ApiError } from "../api/request";
import type { Key } from "../i18n";
import { type CaseBox, createCaseBox, type Waiting } from "./casebox";
import {
  type CaseFilter, type CaseSort, categoriesOf, choicesOf, type Clock, clockOf, listCases, type ListedCase, NO_FILTER, standingOf, unitsOf,
} from "./caselist"; // prettier-ignore
import { asksOf, hasEnded, stepsToSend } from "./casesteps";
import { newKey } from "./keys";
import { codeWords } from "./casewords";
import { errorWords } from "./problems";
import type { State } from "./state";
import { createStepDrafts, type StepDrafts } from "./stepdrafts";

/** What went wrong with the last step. */
export interface CaseFault {
  words: string;
  /** Somebody else was quicker; what they did is on the page now. */
  conflict: boolean;
}

/** What a step needs besides its kind. */
export type StepFields = Pick<StepBody, "why" | "to" | "minutes" | "passed" | "other" | "grid">;

export interface CaseDesk {
  readonly client: CasesClient;
  readonly box: CaseBox;
  readonly standing: ReadonlySignal<"off" | "loading" | "ready" | "failed">;
  /** Whether the server tells by itself what happens. */
  readonly line: ReadonlySignal<boolean>;
  readonly rows: ReadonlySignal<ReadonlyMap<number, CaseRow>>;
  readonly list: ReadonlySignal<readonly ListedCase[]>;
  readonly open: ReadonlySignal<readonly ListedCase[]>;
  readonly choices: ReadonlySignal<ReturnType<typeof choicesOf>>;
  readonly categories: ReadonlySignal<string[]>;
  readonly units: ReadonlySignal<string[]>;
  readonly rules: Signal<Rules | null>;
  readonly clock: ReadonlySignal<Clock>;
  readonly now: ReadonlySignal<number>;
  readonly filter: Signal<CaseFilter>;
  readonly sort: Signal<CaseSort>;
  /** Ended cases: whether they were asked for, and how many there are in all. */
  readonly ended: ReadonlySignal<{ standing: "off" | "loading" | "ready" | "failed"; total: number }>;
  readonly chosen: ReadonlySignal<number | null>;
  readonly hovered: Signal<number | null>;
  readonly detail: ReadonlySignal<CaseDetail | null>;
  readonly detailFailed: ReadonlySignal<boolean>;
  readonly staff: ReadonlySignal<readonly StaffNear[]>;
  readonly near: ReadonlySignal<readonly NearFacility[] | "loading" | "failed">;
  /** The step whose questions are open. */
  readonly asked: Signal<StepKind | null>;
  /** What was typed for steps and not sent. */
  readonly drafts: StepDrafts;
  readonly busy: ReadonlySignal<boolean>;
  readonly fault: Signal<CaseFault | null>;
  /** New cases that nobody here has looked at, and those that are late. */
  readonly fresh: ReadonlySignal<ReadonlySet<number>>;
  readonly late: ReadonlySignal<number>;
  readonly sound: Signal<boolean>;
  readonly dialog: Signal<"rules" | "keys" | "counts" | null>;
  start(): () => void;
  reload(): Promise<unknown>;
  choose(id: number | null): void;
  /** Choose the case so many rows on in the list. */
  walk(by: number): void;
  /** Do a step, or open its questions where it has any. */
  ask(kind: StepKind): void;
  act(kind: StepKind, fields?: StepFields): Promise<boolean>;
  /** Say which of the possible grids it lies in. */
  settle(code: string): Promise<boolean>;
  /** All steps until the unit has it. */
  sendOut(): Promise<void>;
  retryDetail(): void;
  take(found: CaseDetail): void;
  attach(files: readonly File[]): Promise<void>;
  saveRules(rules: Rules): Promise<string | null>;
}

export interface CaseDeskParts {
  state: State;
  client: CasesClient;
  root: string;
  storage: Storage | null;
  /** Bring a place into sight. */
  show(lon: number, lat: number): void;
  /** Let it be heard that a case came, or that one is late. */
  ring(what: "new" | "late"): void;
  listen?: typeof listenToCases;
}

const MOST = 5000;
const MOST_ENDED = 1000;
const TICK_MS = 10_000;
/** Events are gathered for so long, so that a burst of them is one change of the page. */
const GATHER_MS = 80;
const AGAIN_MS = 3000;
const SOUND = "wangge.cases.sound";
const SORT = "wangge.cases.sort";

export function createCaseDesk(parts: CaseDeskParts): CaseDesk {
  const { state, client, root, storage } = parts;
  const t = state.t;
  const remembered = (key: string): string | null => {
    try {
      return storage?.getItem(key) ?? null;
    } catch {
      return null;
    }
  };
  const remember = (key: string, value: string): void => {
    try {
      storage?.setItem(key, value);
    } catch {
      // A browser that keeps nothing asks again next time.
    }
  };

  const drafts = createStepDrafts(remembered, remember);

  const standing = signal<"off" | "loading" | "ready" | "failed">("off");
  const line = signal(false);
  const rows = signal<ReadonlyMap<number, CaseRow>>(new Map());
  const rules = signal<Rules | null>(null);
  const now = signal(Date.now());
  const filter = signal<CaseFilter>(NO_FILTER);
  const sort = signal<CaseSort>((remembered(SORT) as CaseSort | null) ?? "time");
  const ended = signal<{ standing: "off" | "loading" | "ready" | "failed"; total: number }>({ standing: "off", total: 0 });
  const chosen = signal<number | null>(null);
  const detail = signal<CaseDetail | null>(null);
  const detailFailed = signal(false);
  const nearLater = signal<readonly NearFacility[] | "loading" | "failed">([]);
  const asked = signal<StepKind | null>(null);
  const busy = signal(false);
  const fault = signal<CaseFault | null>(null);
  const fresh = signal<ReadonlySet<number>>(new Set());
  const sound = signal(remembered(SOUND) === "on");
  let latest = new Set<number>();
  let lateKnown = false;

  const clock = computed(() => clockOf(rules.value ?? {}));
  const list = computed(() => listCases(rows.value.values(), filter.value, sort.value, now.value, clock.value));
  const open = computed(() => listCases(rows.value.values(), NO_FILTER, "time", now.value, clock.value));
  const lateIds = computed(() => open.value.filter((one) => one.standing.overdue || one.standing.acceptOverdue).map(({ row }) => row.id));
  effect(() => remember(SOUND, sound.value ? "on" : "off"));
  effect(() => remember(SORT, sort.value));

  const put = (found: readonly CaseRow[]): void => {
    const next = new Map(rows.peek());
    for (const row of found) {
      const before = next.get(row.id);
      // An answer may be overtaken by an event.
      if (!before || before.n_steps <= row.n_steps) next.set(row.id, row);
    }
    rows.value = next;
  };

  const box = createCaseBox(client, storage, (found) => take(found));

  const take = (found: CaseDetail): void =>
    batch(() => {
      put([rowOf(found)]);
      if (chosen.peek() === found.id && (detail.peek()?.id !== found.id || detail.peek()!.n_steps <= found.n_steps)) detail.value = found;
    });

  /** Cases that were told of while the list was on its way. */
  let told = new Set<number>();
  const reload = async (): Promise<number | null> => {
    if (standing.peek() !== "ready") standing.value = "loading";
    told = new Set();
    try {
      const [{ rows: found, serial }, known] = await Promise.all([client.list(true, MOST), client.rules()]);
      const openNow = new Set(found.map(({ id }) => id));
      batch(() => {
        rules.value = known;
        // What is no longer open ended while nobody listened; it is asked for when ended cases are.
        rows.value = new Map([...rows.peek()].filter(([id, row]) => openNow.has(id) || told.has(id) || hasEnded(row.state)));
        put(found);
        standing.value = "ready";
      });
      if (ended.peek().standing === "ready") void loadEnded();
      const one = chosen.peek();
      if (one !== null) void load(one);
      return serial;
    } catch {
      if (standing.peek() !== "ready") standing.value = "failed";
      return null;
    }
  };

  const loadEnded = async (): Promise<void> => {
    ended.value = { ...ended.peek(), standing: "loading" };
    try {
      const { rows: found, total } = await client.list(false, MOST_ENDED);
      batch(() => {
        put(found);
        ended.value = { standing: "ready", total };
      });
    } catch {
      ended.value = { ...ended.peek(), standing: "failed" };
    }
  };
  effect(() => {
    if (filter.value.scope === "ended" && ended.peek().standing === "off") void loadEnded();
  });

  const load = async (id: number): Promise<void> => {
    detailFailed.value = false;
    try {
      const found = await client.one(id);
      if (chosen.peek() === id) take(found);
    } catch (error) {
      if (chosen.peek() !== id || detail.peek()?.id === id) return;
      detailFailed.value = true;
      if (error instanceof ApiError && error.status === 404) {
        pass(null);
        state.caseUnknown.value = String(id);
        state.live.value = t("case.unknown", { id: String(id) });
      }
    }
  };

  // Where the server still reads the streets it is asked once more, and answers when it has them.
  const loadNear = async (id: number): Promise<void> => {
    nearLater.value = "loading";
    const found = await client.caseNear(id).catch(() => "failed" as const);
    if (chosen.peek() === id) nearLater.value = found;
  };

  const choose = (id: number | null): void => {
    if (id === chosen.peek() && detail.peek()?.id === id) return;
    const row = id === null ? undefined : rows.peek().get(id);
    batch(() => {
      chosen.value = id;
      state.caseId.value = id;
      if (id !== null) state.caseUnknown.value = null;
      if (detail.peek()?.id !== id) detail.value = null;
      asked.value = null;
      fault.value = null;
      nearLater.value = [];
      if (id !== null && fresh.peek().has(id)) fresh.value = new Set([...fresh.peek()].filter((one) => one !== id));
      if (id !== null && state.narrow.peek() && state.sheet.peek() === "peek") state.sheet.value = "half";
    });
    if (id === null) return;
    void load(id).then(() => {
      const found = detail.peek();
      if (found?.id !== id) return;
      if (!row) parts.show(found.lon, found.lat);
      if (!found.near) void loadNear(id);
    });
    if (row) parts.show(row.lon, row.lat);
  };

  /** Choose what nobody would come back to. */
  const pass = (id: number | null): void => {
    state.passing = true;
    choose(id);
    state.passing = false;
  };
  // The address may name another one.
  effect(() => {
    const id = state.caseId.value;
    if (id !== chosen.peek()) untracked(() => choose(id));
  });

  const said = (event: CaseEvent): void => {
    const grid = event.grid_code === null ? t("case.grid.none") : t("detail.grid", { code: codeWords(state, event.grid_code) });
    if (event.kind === "report") state.live.value = t("case.live.new", { id: String(event.id), category: event.category, grid });
    else if (chosen.peek() === event.id)
      state.live.value = t("case.live.step", { id: String(event.id), step: t(`case.step.${event.kind}`), who: event.who || t("case.nobody") });
  };

  let gathered: CaseEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const takeEvents = (): void => {
    const events = gathered;
    for (const { id } of events) told.add(id);
    gathered = [];
    timer = undefined;
    const news = events.filter((event) => event.kind === "report" && !rows.peek().has(event.id));
    batch(() => {
      put(events);
      if (news.length > 0) {
        const own = chosen.peek();
        fresh.value = new Set([...fresh.peek(), ...news.map(({ id }) => id).filter((id) => id !== own)]);
      }
      now.value = Date.now();
      for (const event of events) said(event);
    });
    if (news.length > 0) parts.ring("new");
    const one = detail.peek();
    if (one && events.some((event) => event.id === one.id && event.n_steps > one.n_steps)) void load(one.id);
  };

  effect(() => {
    const ids = new Set(lateIds.value);
    const ready = standing.value === "ready";
    const more = [...ids].some((id) => !latest.has(id));
    latest = ids;
    // Those that were late when the page came are seen, not heard.
    if (ready && lateKnown && more) parts.ring("late");
    if (ready) lateKnown = true;
  });

  const run = async (item: Omit<Waiting, "key" | "at">, key: string): Promise<boolean> => {
    busy.value = true;
    fault.value = null;
    const result = await box.send({ ...item, key, at: Date.now() });
    busy.value = false;
    if ("refused" in result) {
      const conflict = result.refused.status === 409;
      const words = errorWords(state, result.refused);
      fault.value = { words, conflict };
      state.live.value = words;
      if (conflict && item.id !== undefined) void load(item.id);
      return false;
    }
    if ("kept" in result) state.live.value = t("case.kept");
    return true;
  };

  const act: CaseDesk["act"] = async (kind, fields = {}) => {
    const id = chosen.peek();
    if (id === null || busy.peek()) return false;
    const seen = detail.peek()?.id === id ? detail.peek()?.n_steps : rows.peek().get(id)?.n_steps;
    const key = newKey();
    const step: StepBody = { key, kind, ...fields, ...(seen === undefined || kind === "note" ? {} : { seen }) };
    const done = await run({ id, step }, key);
    if (done && asked.peek() === kind) asked.value = null;
    if (done) drafts.drop(id, kind);
    return done;
  };

  return {
    client,
    box,
    standing,
    line,
    rows,
    list,
    open,
    choices: computed(() => choicesOf([...rows.value.values()].filter((row) => hasEnded(row.state) === (filter.value.scope === "ended")))),
    categories: computed(() => categoriesOf(rules.value ?? {}, rows.value.values())),
    units: computed(() => unitsOf(rules.value ?? {}, rows.value.values())),
    rules,
    clock,
    now,
    filter,
    sort,
    ended,
    chosen,
    hovered: signal(null),
    detail,
    detailFailed,
    staff: computed(() => detail.value?.staff ?? []),
    near: computed(() => detail.value?.near ?? nearLater.value),
    asked,
    drafts,
    busy,
    fault,
    fresh,
    late: computed(() => lateIds.value.length),
    sound,
    dialog: signal(null),
    start() {
      let stop: (() => void) | null = null;
      let again: ReturnType<typeof setTimeout> | undefined;
      let left = false;
      const begin = async (): Promise<void> => {
        const serial = await reload();
        if (left) return;
        if (serial === null) return void (again = setTimeout(() => void begin(), AGAIN_MS));
        stop = (parts.listen ?? listenToCases)(root, serial, {
          event(event) {
            gathered.push(event);
            timer ??= setTimeout(takeEvents, GATHER_MS);
          },
          reload: () => void reload(),
          line(is) {
            line.value = is;
            if (is) void box.flush();
          },
        });
      };
      void begin();
      void box.flush();
      const tick = setInterval(() => (now.value = Date.now()), TICK_MS);
      return () => {
        left = true;
        stop?.();
        clearTimeout(again);
        clearInterval(tick);
        clearTimeout(timer);
        timer = undefined;
        line.value = false;
      };
    },
    reload,
    choose,
    walk(by) {
      const all = list.peek();
      if (all.length === 0) return;
      const at = all.findIndex(({ row }) => row.id === chosen.peek());
      const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
      pass(all[next].row.id);
    },
    ask(kind) {
      const one = detail.peek();
      if (!one?.allowed.includes(kind)) {
        if (one) state.live.value = t("case.notNow", { step: t(`case.step.${kind}`) });
        return;
      }
      fault.value = null;
      // Nobody is named by the rules: then it is asked who gets it.
      const asks = asksOf(kind) !== undefined || (kind === "dispatch" && (one.duty.unit === null || one.candidates.length > 0 && one.grid_code === null));
      if (asks) asked.value = asked.peek() === kind ? null : kind;
      else void act(kind);
    },
    act,
    settle: (code) => act("note", { grid: code, why: t("case.call.settled") }),
    async sendOut() {
      const one = detail.peek();
      if (!one) return;
      for (const kind of stepsToSend(one.state)) if (!(await act(kind))) return;
    },
    retryDetail() {
      const id = chosen.peek();
      if (id !== null) void load(id);
    },
    take,
    async attach(files) {
      const id = chosen.peek();
      if (id === null) return;
      busy.value = true;
      fault.value = null;
      for (const file of files)
        await client.attach(id, file, file.name, newKey()).catch((error: unknown) => {
          const words = error instanceof ApiError && error.status > 0 ? errorWords(state, error) : t("case.attach.noLine", { name: file.name });
          fault.value = { words, conflict: false };
        });
      busy.value = false;
      await load(id);
    },
    async saveRules(next) {
      try {
        rules.value = await client.setRules(next);
        void reload();
        return null;
      } catch (error) {
        return error instanceof ApiError && error.status > 0 ? errorWords(state, error) : t("error.noConnection");
      }
    },
  };
}

/** A case as lists have it. */
function rowOf(found: CaseDetail): CaseRow {
  const { allowed: _a, duty: _d, candidates: _c, duplicates: _l, steps: _s, attachments: _t, staff: _p, near: _n, ...row } = found;
  return row;
}

/** How much time is left, in words. */
export function timeWords(t: State["t"], row: CaseRow, of: ReturnType<typeof standingOf>): string {
  if (row.clock === "none") return t("case.clock.none");
  if (row.clock === "stopped") return t("case.clock.stopped");
  if (row.clock === "ended") return of.late > 0 ? t("case.clock.endedLate", { time: spanWords(t, of.late) }) : t("case.clock.ended");
  if (of.overdue) return t("case.clock.late", { time: spanWords(t, of.late) });
  return t("case.clock.left", { time: spanWords(t, of.left ?? 0) });
}

/** Minutes as people say them. */
export function spanWords(t: State["t"], minutes: number): string {
  const whole = Math.max(0, Math.round(minutes));
  const [hours, rest] = [Math.floor(whole / 60), whole % 60];
  const key: Key = hours === 0 ? "case.minutes" : rest === 0 || hours >= 24 ? "case.hours" : "case.hoursMinutes";
  return t(key, { hours, minutes: hours === 0 ? whole : rest });
}
