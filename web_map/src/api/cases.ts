/** Cases: reported, listed, moved on step by step; whose a place is; the rules (docs/http.md). */

import { type Ask, sending } from "./request";
import type { Datum, PlaceReading, SearchHit } from "./types";

export type CaseState =
  | "reported" | "verified" | "opened" | "dispatched" | "accepted" | "parked" | "done" | "checked" | "closed"
  | "evaluated" | "cancelled" | "duplicate"; // prettier-ignore

export type StepKind =
  | "report" | "verify" | "open" | "cancel" | "dispatch" | "accept" | "return" | "hand_over" | "extend" | "escalate"
  | "park" | "resume" | "urge" | "done" | "check" | "close" | "evaluate" | "reopen" | "link" | "unlink" | "note"; // prettier-ignore

export interface Candidate {
  code: string;
  share: number;
}

/** A case as lists have it. */
export interface CaseRow {
  id: number;
  category: string;
  grade: string;
  state: CaseState;
  step: number;
  unit: string | null;
  level: string;
  plan: number | null;
  grid_code: string | null;
  lon: number;
  lat: number;
  accuracy_m: number;
  words: string;
  details: { address?: string; candidates?: Candidate[]; status?: string; [name: string]: unknown };
  reported_at: string;
  dispatched_at: string | null;
  due_at: string | null;
  accept_by: string | null;
  round: number;
  returns: number;
  extensions: number;
  urgings: number;
  duplicate_of: number | null;
  n_steps: number;
  clock: "none" | "running" | "stopped" | "ended";
  left_minutes: number | null;
  late_minutes: number;
  overdue: boolean;
  soon: boolean;
  accept_overdue: boolean;
}

export interface CaseStep {
  number: number;
  kind: StepKind;
  at: string;
  who: string;
  why: string;
  where: string;
  to: string | null;
  minutes: number | null;
  passed: boolean | null;
  other: string | null;
  data: Record<string, unknown>;
  before: CaseState | null;
  after: CaseState;
  unit: string | null;
  due_at: string | null;
}

/** A file of a case; `url` and `thumb` are paths of the server. */
export interface Attachment {
  number: number;
  step: number;
  name: string;
  type: string;
  bytes: number;
  url: string;
  thumb: string | null;
  at: string;
  who: string;
}

export interface CaseDetail extends CaseRow {
  allowed: StepKind[];
  duty: { unit: string | null; because: string; rule: string | null; also: string[] };
  candidates: Candidate[];
  duplicates: { id: number; metres: number; score: number }[];
  steps: CaseStep[];
  attachments?: Attachment[];
  /** Who can be sent now, and what is near; null while the server reads the streets. */
  staff?: StaffNear[];
  near?: NearFacility[] | null;
}

export interface ReportBody {
  key: string;
  x: number;
  y: number;
  crs: string;
  accuracy_m: number;
  category: string;
  grade: string;
  words: string;
  address: string;
  where: string;
  plan: number | null;
  asset?: string;
  owner?: string;
  road?: string;
}

export interface StepBody {
  key: string;
  kind: StepKind;
  why?: string;
  where?: string;
  to?: string;
  minutes?: number;
  passed?: boolean;
  other?: number;
  grid?: string;
  seen?: number;
}

/** What happened to a case, as the server tells it while the page is open. */
export interface CaseEvent extends CaseRow {
  kind: StepKind;
  who: string;
}

/** Whose a place is. */
export interface GridAnswer {
  grid_code: string | null;
  grid_ix: number | null;
  name: string | null;
  plan: number;
  revision: number;
  valid_from: string | null;
  status: "inside" | "on_border" | "outside";
  border_m: number;
  nearest_code: string;
  lon: number;
  lat: number;
  candidates?: Candidate[];
}

/** Somebody who can be sent. */
export interface StaffNear {
  grid_code: string;
  metres: number;
  name: string;
  role: string | null;
  phone: string | null;
  hours: string | null;
  /** unsaid: no hours are given, or they cannot be read. */
  duty: "on" | "unsaid";
  until: string | null;
  stands_in_for: string | null;
  deputy: { name: string; phone: string | null } | null;
}

export interface NearFacility {
  id: string | null;
  name: string | null;
  category: string;
  lon: number;
  lat: number;
  road_m: number | null;
  minutes: number | null;
  air_m: number;
}

export interface ServiceAreas {
  category: string;
  minutes: number[];
  facilities: (NearFacility & { facility: number; cells: number[]; households: number[]; population: number[] })[];
  beyond: { cells: number[]; households: number[]; population: number[] };
  facility: number[];
  metres: number[];
}

export interface Hours {
  hours?: Record<string, string[]>;
  holidays?: string[];
  workdays?: string[];
  zone?: string;
}

export interface DeadlineRow {
  category?: string;
  grade?: string;
  accept_minutes?: number;
  handle_minutes?: number;
  around_the_clock?: boolean;
  urge_every?: number;
}

export interface DutyRule {
  name: string;
  unit: string;
  grids?: string[];
  categories?: string[];
  assets?: string[];
  owners?: string[];
  roads?: string[];
  hours?: Hours;
}

export interface Rules {
  calendar?: Hours;
  deadlines?: DeadlineRow[];
  duty?: { rules?: DutyRule[]; units?: Record<string, string> };
  max_returns?: number;
  max_extensions?: number;
}

export type CountsBy = "unit" | "grid" | "category";

/** Which cases are counted: reported from one day to another (YYYY-MM-DD, both included; empty: without end), by what. */
export interface CountsWish {
  from: string;
  to: string;
  by: CountsBy;
}

/** What the cases of one unit, grid or category come to; docs/dispatch.md says what counts. */
export interface CaseCount {
  key: string | null;
  cases: number;
  returns: number;
  return_rate: number | null;
  overdue: number;
  median_hours: number | null;
}

export interface CaseCounts {
  by: CountsBy;
  rows: CaseCount[];
  total: CaseCount;
}

/** `serial`: the step from which events go on where the list ends. */
export interface CaseList {
  total: number;
  serial: number;
  rows: CaseRow[];
}

export interface CasesClient {
  /** All cases that are open (or ended), newest first, page by page, at most `most`. */
  list(open: boolean, most: number): Promise<CaseList>;
  one(id: number): Promise<CaseDetail>;
  report(body: ReportBody): Promise<CaseDetail>;
  step(id: number, body: StepBody): Promise<CaseDetail>;
  rules(): Promise<Rules>;
  setRules(rules: Rules): Promise<Rules>;
  /** Whose a place is by what is in force, or by one plan. */
  whose(lon: number, lat: number, radius: number, plan: string | null, signal?: AbortSignal): Promise<GridAnswer>;
  caseNear(id: number): Promise<NearFacility[]>;
  near(plan: number, lon: number, lat: number, signal?: AbortSignal): Promise<NearFacility[]>;
  /** Who can be sent there now, the nearest grid first. */
  staff(plan: number, lon: number, lat: number, signal?: AbortSignal): Promise<StaffNear[]>;
  places(text: string, datum: Datum, plan: string | null, signal?: AbortSignal): Promise<PlaceReading[]>;
  search(plan: string, text: string, signal?: AbortSignal): Promise<SearchHit[]>;
  serviceAreas(plan: string, category: string, minutes: readonly number[], signal?: AbortSignal): Promise<ServiceAreas>;
  attach(id: number, file: Blob, name: string, key: string): Promise<unknown>;
  counts(wish: CountsWish, signal?: AbortSignal): Promise<CaseCounts>;
  /** Where the same counts are as a table to take away. */
  countsTable(wish: CountsWish): string;
  /** Where a path of the server is for this page. */
  address(path: string): string;
}

const PAGE = 1000;
/** People that are named for a place. */
const STAFF = 4;

export function createCasesClient(ask: Ask, root: string): CasesClient {
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json() as Promise<T>;
  const at = (signal?: AbortSignal): RequestInit => (signal ? { signal } : {});
  const plan = (id: string | number): string => `api/plans/${encodeURIComponent(id)}`;
  return {
    async list(open, most) {
      const rows = new Map<number, CaseRow>();
      let first: number | null = null;
      for (let offset = 0; ; offset += PAGE) {
        const limit = Math.min(PAGE, most - offset);
        const query = new URLSearchParams({ open: String(open), limit: String(limit), offset: String(offset) });
        const page = await json<{ total: number; serial: number; incidents: CaseRow[] }>(`api/incidents?${query}`);
        first ??= page.serial;
        // What was reported meanwhile moves rows onto the next page.
        for (const row of page.incidents) rows.set(row.id, row);
        if (offset + limit >= Math.min(page.total, most)) return { total: page.total, serial: first, rows: [...rows.values()] };
      }
    },
    one: (id) => json(`api/incidents/${id}`),
    report: (body) => json("api/incidents", sending("POST", body)),
    step: (id, body) => json(`api/incidents/${id}/steps`, sending("POST", body)),
    rules: () => json("api/dispatch/rules"),
    setRules: (rules) => json("api/dispatch/rules", sending("PUT", rules)),
    whose: (lon, lat, radius, by, signal) => {
      const query = `x=${lon}&y=${lat}&radius=${radius}${by === null ? "" : `&plan=${encodeURIComponent(by)}`}`;
      return json(`api/locate/grid?${query}`, at(signal));
    },
    caseNear: async (id) => (await json<{ near: NearFacility[] }>(`api/incidents/${id}/near?category=all`)).near,
    async staff(planId, lon, lat, signal) {
      return (await json<{ staff: StaffNear[] }>(`api/locate?x=${lon}&y=${lat}&plan=${planId}&staff=${STAFF}`, at(signal))).staff;
    },
    async near(planId, lon, lat, signal) {
      const query = `x=${lon}&y=${lat}&plan=${planId}&near=all&near_count=1`;
      return (await json<{ near: NearFacility[] }>(`api/locate?${query}`, at(signal))).near;
    },
    places: (text, datum, id, signal) => {
      const query = new URLSearchParams({ text, crs: datum });
      if (id !== null) query.set("plan", id);
      return json(`api/locate/places?${query}`, at(signal));
    },
    search: (id, text, signal) => json(`${plan(id)}/search?limit=8&q=${encodeURIComponent(text)}`, at(signal)),
    serviceAreas: (id, category, minutes, signal) =>
      json(`${plan(id)}/service-areas?category=${encodeURIComponent(category)}&minutes=${minutes.join()}`, at(signal)),
    attach: async (id, file, name, key) => {
      const query = new URLSearchParams({ name, key });
      const headers = { "Content-Type": file.type || "application/octet-stream" };
      return json(`api/incidents/${id}/attachments?${query}`, { method: "POST", headers, body: file });
    },
    counts: (wish, signal) => json(countsPath(wish), at(signal)),
    countsTable: (wish) => new URL(`${countsPath(wish)}&format=csv`, root).href,
    address: (path) => new URL(path.replace(/^\//, ""), root).href,
  };
}

function countsPath({ from, to, by }: CountsWish): string {
  const query = new URLSearchParams({ by });
  if (from !== "") query.set("from", from);
  if (to !== "") query.set("to", to);
  return `api/incidents/stats?${query}`;
}

/** What is used of EventSource, so that tests can stand in for it. */
export interface CaseLine {
  readonly readyState: number;
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  addEventListener(kind: string, listener: (event: { data: string; lastEventId: string }) => void): void;
  close(): void;
}

export interface CaseHandlers {
  event(event: CaseEvent): void;
  /** Too much was missed: the list is to be read again. */
  reload(): void;
  line(open: boolean): void;
}

const CLOSED = 2;
const AGAIN_MS = 3000;

/** Listen to all cases from a step on until the returned function is called; comes back by itself after a broken line. */
export function listenToCases(
  root: string,
  since: number,
  handlers: CaseHandlers,
  open: (url: string) => CaseLine = (url) => new EventSource(url) as unknown as CaseLine,
): () => void {
  let last = String(since);
  let line: CaseLine;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const start = (): void => {
    line = open(new URL(`api/incidents/events?since=${encodeURIComponent(last)}`, root).href);
    line.onopen = () => handlers.line(true);
    line.onerror = () => {
      if (stopped) return;
      handlers.line(false);
      if (line.readyState !== CLOSED) return;
      line.close();
      timer = setTimeout(start, AGAIN_MS);
    };
    line.addEventListener("case", ({ data, lastEventId }) => {
      if (lastEventId) last = lastEventId;
      if (!stopped) handlers.event(JSON.parse(data) as CaseEvent);
    });
    line.addEventListener("reload", ({ data }) => {
      last = String((JSON.parse(data) as { serial: number }).serial);
      if (!stopped) handlers.reload();
    });
  };
  start();
  return () => {
    stopped = true;
    clearTimeout(timer);
    line.close();
  };
}
