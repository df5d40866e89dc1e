/** The list of cases: how each stands now, which are shown, in which order. Pure. */

import type { Candidate, CaseRow, CaseState, DeadlineRow, Rules } from "../api/cases";
import { type Calendar, calendarOf, minutesAroundTheClock, minutesBetween } from "../kernels/worktime";
import { shortCode } from "../kernels/codes";
import { hasEnded } from "./casesteps";

export type CaseSort = "time" | "newest" | "grid" | "category" | "unit";
export const CASE_SORTS: readonly CaseSort[] = ["time", "newest", "grid", "category", "unit"];

export interface CaseFilter {
  scope: "open" | "ended";
  state: CaseState | "";
  unit: string;
  grid: string;
  category: string;
  lateOnly: boolean;
  words: string;
}

export const NO_FILTER: CaseFilter = { scope: "open", state: "", unit: "", grid: "", category: "", lateOnly: false, words: "" };

/** How a case stands against its clock at a moment. */
export interface Standing {
  /** Working minutes until it is due; null: no clock runs, or none did. */
  left: number | null;
  late: number;
  overdue: boolean;
  soon: boolean;
  acceptOverdue: boolean;
}

/** The clock of a place: working time by the rules. */
export interface Clock {
  calendar: Calendar;
  deadlines: readonly DeadlineRow[];
}

export const clockOf = (rules: Rules): Clock => ({ calendar: calendarOf(rules.calendar ?? {}), deadlines: rules.deadlines ?? [] });

const SOON = 0.2;
const HANDLE_MINUTES = 960;

/** The deadline of a case: category and grade before category, that before grade, that before all. */
export function deadlineOf(rows: readonly DeadlineRow[], category: string, grade: string): DeadlineRow {
  for (const [c, g] of [[category, grade], [category, "*"], ["*", grade], ["*", "*"]]) // prettier-ignore
    for (const row of rows) if ((row.category ?? "*") === c && (row.grade ?? "*") === g) return row;
  return {};
}

export function standingOf(row: CaseRow, now: number, { calendar, deadlines }: Clock): Standing {
  const told = { left: row.left_minutes, late: row.late_minutes, overdue: row.overdue, soon: row.soon, acceptOverdue: row.accept_overdue };
  if (row.clock !== "running" || row.due_at === null) return told;
  const rule = deadlineOf(deadlines, row.category, row.grade);
  const between = rule.around_the_clock ? minutesAroundTheClock : (a: number, b: number) => minutesBetween(calendar, a, b);
  const due = Date.parse(row.due_at);
  const [left, late] = [between(now, due), between(due, now)];
  const acceptOverdue = row.state === "dispatched" && row.accept_by !== null && now > Date.parse(row.accept_by);
  return { left, late, overdue: late > 0, soon: late === 0 && left <= SOON * (rule.handle_minutes ?? HANDLE_MINUTES), acceptOverdue };
}

export interface ListedCase {
  row: CaseRow;
  standing: Standing;
}

/** The cases that a filter leaves, in order. */
export function listCases(rows: Iterable<CaseRow>, filter: CaseFilter, sort: CaseSort, now: number, clock: Clock): ListedCase[] {
  const words = filter.words.trim().toLowerCase();
  const listed: ListedCase[] = [];
  for (const row of rows) {
    if (hasEnded(row.state) !== (filter.scope === "ended")) continue;
    if (filter.state !== "" && row.state !== filter.state) continue;
    if (filter.unit !== "" && row.unit !== filter.unit) continue;
    if (filter.grid !== "" && row.grid_code !== filter.grid) continue;
    if (filter.category !== "" && row.category !== filter.category) continue;
    if (words !== "" && !wordsOf(row).includes(words)) continue;
    const standing = standingOf(row, now, clock);
    if (filter.lateOnly && !standing.overdue && !standing.acceptOverdue) continue;
    listed.push({ row, standing });
  }
  return listed.sort(ORDERS[sort]);
}

const wordsOf = (row: CaseRow): string =>
  `#${row.id} ${row.words} ${row.details.address ?? ""} ${row.category} ${row.unit ?? ""} ${row.grid_code ?? ""}`.toLowerCase();

const newest = (a: ListedCase, b: ListedCase): number => b.row.id - a.row.id;
const text = (pick: (row: CaseRow) => string | null) => (a: ListedCase, b: ListedCase): number => {
  const [one, other] = [pick(a.row) ?? "\uffff", pick(b.row) ?? "\uffff"];
  return one < other ? -1 : one > other ? 1 : byTime(a, b);
};

/** The latest first, then those that nobody accepted in time, then by time left, then those whose clock does not run, the newest first. */
function byTime(a: ListedCase, b: ListedCase): number {
  const group = ({ standing }: ListedCase): number => (standing.overdue ? 0 : standing.acceptOverdue ? 1 : 2);
  const pressing = ({ row, standing }: ListedCase): number =>
    row.clock !== "running" || standing.left === null ? Infinity : standing.left - standing.late;
  const [one, other] = [pressing(a), pressing(b)];
  return group(a) - group(b) || (one === other ? newest(a, b) : one - other);
}

/** Share of the circle from which a grid is worth asking about, and grids that are asked about at most. */
const [WORTH, MOST_CHOICES] = [0.02, 6];

/** The grids of a place that somebody is asked about. */
export function worthAsking(candidates: readonly Candidate[]): Candidate[] {
  const found = candidates.filter(({ share }) => share >= WORTH);
  return (found.length > 0 ? found : [...candidates]).slice(0, MOST_CHOICES);
}

const ORDERS: Record<CaseSort, (a: ListedCase, b: ListedCase) => number> = {
  time: byTime,
  newest,
  grid: text((row) => row.grid_code),
  category: text((row) => row.category),
  unit: text((row) => row.unit),
};

/** The values that filters can take, in order. */
export function choicesOf(rows: Iterable<CaseRow>): { units: string[]; grids: string[]; categories: string[] } {
  const [units, grids, categories] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const row of rows) {
    if (row.unit !== null) units.add(row.unit);
    if (row.grid_code !== null) grids.add(row.grid_code);
    categories.add(row.category);
  }
  return { units: [...units].sort(), grids: [...grids].sort(), categories: [...categories].sort() };
}

/** A unit as people read it: a grid's by its short code. */
export const unitWords = (unit: string): string => (/^\d{12,}$/.test(unit) ? shortCode(unit) : unit);

/** All categories that are known: of the rules, and of cases so far. */
export function categoriesOf(rules: Rules, rows: Iterable<CaseRow>): string[] {
  const known = new Set<string>();
  for (const { category } of rules.deadlines ?? []) if (category && category !== "*") known.add(category);
  for (const rule of rules.duty?.rules ?? []) for (const category of rule.categories ?? []) known.add(category);
  for (const { category } of rows) known.add(category);
  return [...known].sort();
}

/** All units that are known, for proposing them. */
export function unitsOf(rules: Rules, rows: Iterable<CaseRow>): string[] {
  const known = new Set<string>();
  for (const { unit } of rules.duty?.rules ?? []) if (!unit.includes("{")) known.add(unit);
  for (const unit of Object.values(rules.duty?.units ?? {})) known.add(unit);
  for (const { unit } of rows) if (unit !== null) known.add(unit);
  return [...known].sort();
}

const EARTH_M = 6_371_008.8;
const RADIAN = Math.PI / 180;

/** Metres between two places, as the crow flies. */
export function metresBetween(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const [y0, y1] = [a.lat * RADIAN, b.lat * RADIAN];
  const h = Math.sin((y1 - y0) / 2) ** 2 + Math.cos(y0) * Math.cos(y1) * Math.sin(((b.lon - a.lon) * RADIAN) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

const NEAR_M = 60;
const BACK_MS = 7 * 86_400_000;

/** Open cases that a report may repeat: close by and of the last week, those of the same category first. */
export function likeCases(
  rows: Iterable<CaseRow>,
  report: { lon: number; lat: number; accuracy: number; category: string },
  now: number,
): { row: CaseRow; metres: number }[] {
  const found: { row: CaseRow; metres: number }[] = [];
  for (const row of rows) {
    if (hasEnded(row.state) || now - Date.parse(row.reported_at) > BACK_MS) continue;
    const metres = metresBetween(row, report);
    if (metres <= NEAR_M + row.accuracy_m + report.accuracy) found.push({ row, metres });
  }
  const rank = ({ row, metres }: { row: CaseRow; metres: number }): number => (row.category === report.category ? 0 : 1e6) + metres;
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, 4);
}
