/** A report as it is being written, and what a case may be about. */

import type { CaseRow, Rules } from "../api/cases";
import type { PhoneKey } from "./words";

export interface ReportDraft {
  category: string;
  other: string;
  words: string;
  address: string;
}

const EMPTY: ReportDraft = { category: "", other: "", words: "", address: "" };
const KEY = "wangge.phone.draft";

/** What was typed before the page was loaded again: a phone that opens its camera may throw the page away. */
export function readDraft(): ReportDraft {
  try {
    return { ...EMPTY, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<ReportDraft>) };
  } catch {
    return EMPTY;
  }
}

export function writeDraft(draft: ReportDraft | null): void {
  try {
    if (draft) localStorage.setItem(KEY, JSON.stringify(draft));
    else localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing: it lasts as long as the page.
  }
}

/** What is offered where neither rules nor cases name anything. */
export const CATEGORIES: PhoneKey[] = [
  "category.env",
  "category.ads",
  "category.works",
  "category.order",
  "category.sudden",
  "category.public",
  "category.traffic",
  "category.green",
];

/** Units that the rules name. */
export function unitsOf(rules: Rules | null): string[] {
  const { rules: rows = [], units = {} } = rules?.duty ?? {};
  return [...new Set([...rows.map(({ unit }) => unit), ...Object.values(units)])].filter((unit) => unit && unit !== "{owner}");
}

const MOST = 16;

/** Categories that the rules of the place name, and those of the cases in sight; each once. */
export function categoriesOf(rules: Rules | null, rows: readonly CaseRow[]): string[] {
  const named = [
    ...(rules?.deadlines ?? []).map(({ category }) => category ?? "*"),
    ...(rules?.duty?.rules ?? []).flatMap(({ categories }) => categories ?? []),
    ...rows.map(({ category }) => category),
  ];
  return [...new Set(named)].filter((name) => name !== "*" && name !== "").slice(0, MOST);
}
