/** The rules of handling cases as rows of a table that people fill in, and back. Pure. */

import type { DeadlineRow, DutyRule, Hours, Rules } from "../api/cases";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];

/** Everything as text, so that what is half typed can stand. */
export interface RulesForm {
  hours: Record<Day, string>;
  holidays: string;
  workdays: string;
  zone: string;
  deadlines: DeadlineForm[];
  rules: DutyForm[];
  units: { code: string; unit: string }[];
  maxReturns: string;
  maxExtensions: string;
}

export interface DeadlineForm {
  category: string;
  grade: string;
  accept: string;
  handle: string;
  clock: boolean;
  urge: string;
}

export interface DutyForm {
  name: string;
  unit: string;
  categories: string;
  grids: string;
  roads: string;
  assets: string;
  owners: string;
  /** When it holds; kept as it came. */
  hours: Hours | undefined;
}

const USUAL = "09:00-17:00";
const join = (list: readonly string[] | undefined): string => (list ?? []).join(", ");
const split = (text: string): string[] =>
  text
    .split(/[,，、;；\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");

export const NEW_DEADLINE: DeadlineForm = { category: "", grade: "*", accept: "60", handle: "960", clock: false, urge: "240" };
export const NEW_RULE: DutyForm = { name: "", unit: "", categories: "", grids: "", roads: "", assets: "", owners: "", hours: undefined };

export function formOf(rules: Rules): RulesForm {
  const { calendar = {}, duty = {} } = rules;
  const named = calendar.hours && Object.keys(calendar.hours).length > 0;
  const hoursOf = (day: Day, at: number): string => (named ? join(calendar.hours?.[day]) : at < 5 ? USUAL : "");
  return {
    hours: Object.fromEntries(DAYS.map((day, at) => [day, hoursOf(day, at)])) as Record<Day, string>,
    holidays: join(calendar.holidays),
    workdays: join(calendar.workdays),
    zone: calendar.zone ?? "Asia/Shanghai",
    deadlines: (rules.deadlines ?? []).map((row: DeadlineRow) => ({
      category: row.category ?? "*",
      grade: row.grade ?? "*",
      accept: String(row.accept_minutes ?? 60),
      handle: String(row.handle_minutes ?? 960),
      clock: row.around_the_clock ?? false,
      urge: String(row.urge_every ?? 240),
    })),
    rules: (duty.rules ?? []).map((rule) => ({
      name: rule.name,
      unit: rule.unit,
      categories: join(rule.categories),
      grids: join(rule.grids),
      roads: join(rule.roads),
      assets: join(rule.assets),
      owners: join(rule.owners),
      hours: rule.hours,
    })),
    units: Object.entries(duty.units ?? {}).map(([code, unit]) => ({ code, unit })),
    maxReturns: String(rules.max_returns ?? 2),
    maxExtensions: String(rules.max_extensions ?? 2),
  };
}

/** The rules that a form says; what the form does not show stays as it was. */
export function rulesOf(form: RulesForm, before: Rules): Rules {
  const hours = Object.fromEntries(DAYS.map((day) => [day, split(form.hours[day])] as const).filter(([, spans]) => spans.length > 0));
  return {
    ...before,
    calendar: { ...before.calendar, hours, holidays: split(form.holidays), workdays: split(form.workdays), zone: form.zone.trim() || "Asia/Shanghai" },
    deadlines: form.deadlines.map((row) => ({
      category: row.category.trim() || "*",
      grade: row.grade,
      accept_minutes: Number(row.accept),
      handle_minutes: Number(row.handle),
      around_the_clock: row.clock,
      urge_every: Number(row.urge),
    })),
    duty: {
      ...before.duty,
      rules: form.rules.map((row): DutyRule => {
        const lists = { categories: row.categories, grids: row.grids, roads: row.roads, assets: row.assets, owners: row.owners };
        const said = Object.entries(lists).map(([name, text]) => [name, split(text)] as const).filter(([, list]) => list.length > 0); // prettier-ignore
        return { name: row.name.trim(), unit: row.unit.trim(), ...Object.fromEntries(said), ...(row.hours ? { hours: row.hours } : {}) };
      }),
      units: Object.fromEntries(form.units.filter(({ code, unit }) => code.trim() !== "" && unit.trim() !== "").map(({ code, unit }) => [code.trim(), unit.trim()])), // prettier-ignore
    },
    max_returns: Number(form.maxReturns),
    max_extensions: Number(form.maxExtensions),
  };
}
