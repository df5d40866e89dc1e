/** What the server refused, and why bounds cannot be met, in the language of the page. Pure but for the words. */

import type { Reason } from "../api/edits";
import { ApiError } from "../api/request";
import { dictionaries, type Key, type Values } from "../i18n";
import { shortCode } from "../kernels/codes";
import type { State } from "./state";

/** An error as the server told it: its code, which sentence of it, the numbers in that, and the sentence in English. */
export interface Told {
  code: string;
  detail: string;
  case?: string;
  params?: Values;
  /** Of what is locked. */
  grids?: readonly number[];
  cells?: readonly number[];
  borders?: readonly (readonly [number, number])[];
}

type Words = Pick<State, "t" | "grids">;

export function toldBy(error: ApiError): Told {
  return { ...(error.body as Partial<Told>), code: error.code, detail: error.message };
}

/** Why something did not work; the server's own sentence where the page has no words for it. */
export function problemWords(state: Words, told: Told): string {
  const { code, detail } = told;
  if (code === "locked") return lockedWords(state, told);
  const key = known(`problem.${code}.${told.case}`) ?? known(`problem.${code}`);
  return key ? state.t(key, { ...told.params, detail }).trim() : detail;
}

/** The same of an error that was caught. */
export const errorWords = (state: Words, error: ApiError): string => problemWords(state, toldBy(error)) || String(error.status);

function lockedWords(state: Words, { detail, grids = [], cells = [], borders = [] }: Told): string {
  const { t } = state;
  const code = (grid: number): string => shortCode(state.grids.peek()[grid]?.code ?? String(grid));
  const parts = [
    grids.length > 0 ? t("problem.locked.grids", { codes: grids.map(code).join(", ") }) : "",
    cells.length > 0 ? t("problem.locked.cells", { count: cells.length }) : "",
    borders.length > 0 ? t("problem.locked.borders", { pairs: borders.map((pair) => pair.map(code).join("–")).join(", ") }) : "",
  ].filter(Boolean);
  return parts.length > 0 ? t("problem.locked", { what: parts.join(", ") }) : detail;
}

/** Why a bound cannot be met. */
export function reasonWords({ t, detail }: Pick<State, "t" | "detail">, reason: Reason): string {
  const key = known(`reason.${reason.what}.${reason.case}`);
  if (!key) return t("reason.other", { reason: reason.reason });
  const home = detail.peek()?.boundaries.find(({ code }) => code === reason.numbers?.code);
  return t(key, home?.name ? { ...reason.numbers, code: home.name } : reason.numbers);
}

/** A key that is made of parts, where there are words for it. */
export const known = (key: string): Key | null => (key in dictionaries.en ? (key as Key) : null);
