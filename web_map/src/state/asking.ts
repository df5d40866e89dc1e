/** What is asked of the solver in the dialogs "partition anew" and "rebalance": fields as typed, and what is sent. Pure. */

import type { AskedWish } from "../api/edits";
import type { Key } from "../i18n";

export const HOUSEHOLDS = "households";
export const BARRIERS = ["cost", "cut"] as const;
export const PIECES = ["alone", "nearest", "crossings"] as const;
export const OBJECTIVES = ["plan", "street", "border", "balance"] as const;

/** One more sum of every grid inside bounds. */
export interface FurtherField {
  weight: string;
  min: string;
  max: string;
}

/** The fields as they stand, texts as typed. */
export interface Asking {
  /** Column or formula that is balanced. */
  weight: string;
  min: string;
  max: string;
  further: readonly FurtherField[];
  barriers: (typeof BARRIERS)[number];
  pieces: (typeof PIECES)[number];
  maxWalk: string;
  locks: boolean;
}

/** Faults by field: `weight`, `bounds`, `maxWalk`, `further/0` ...; a word of ours, or a sentence of the server. */
export type Faults = ReadonlyMap<string, Key | { detail: string }>;

export function blankAsking([min, max]: readonly [number, number]): Asking {
  return { weight: HOUSEHOLDS, min: String(min), max: String(max), further: [], barriers: "cost", pieces: "alone", maxWalk: "", locks: true };
}

/** A number that is 0 or more; null for nothing typed, NaN for what is no such number. */
export function numberOf(text: string): number | null {
  if (text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : NaN;
}

/** How many grids: null is automatic, [least, most] a range ("10-14", "10:14"), NaN what cannot be read. */
export function countOf(text: string): number | [number, number] | null {
  if (text.trim() === "") return null;
  const range = /^\s*(\d+)\s*(?:[-–—~:：至到]\s*(\d+))?\s*$/u.exec(text);
  if (!range) return NaN;
  const least = Number(range[1]);
  const most = range[2] === undefined ? least : Number(range[2]);
  if (least < 1 || most < least) return NaN;
  return least === most ? least : [least, most];
}

/** Whether bounds leave room: two numbers, not turned round. */
function hasRoom(min: number | null, max: number | null): boolean {
  return !Number.isNaN(min) && !Number.isNaN(max) && (max === null || max > 0) && (min === null || max === null || min <= max);
}

/** How many grids fit the bounds: the least and the most; null where no number does, or the bounds cannot be read. */
export function roomFor({ min, max }: Pick<Asking, "min" | "max">, sum: number): [number, number] | null {
  const [low, high] = [numberOf(min), numberOf(max)];
  if (low === null || high === null || !hasRoom(low, high)) return null;
  const [least, most] = [Math.max(1, Math.ceil(sum / high)), low > 0 ? Math.floor(sum / low) : Infinity];
  return least <= most ? [least, most] : null;
}

/** Everything that can be said without the server. */
export function faultsOf(asking: Asking): Faults {
  const faults = new Map<string, Key>();
  if (asking.weight.trim() === "") faults.set("weight", "asked.noWeight");
  const [min, max] = [numberOf(asking.min), numberOf(asking.max)];
  if (min === null || max === null || !hasRoom(min, max)) faults.set("bounds", "partition.wrong");
  const walk = numberOf(asking.maxWalk);
  if (Number.isNaN(walk) || walk === 0) faults.set("maxWalk", "asked.noMetres");
  asking.further.forEach((each, at) => {
    const [low, high] = [numberOf(each.min), numberOf(each.max)];
    if (each.weight.trim() === "") faults.set(`further/${at}`, "asked.noWeight");
    else if (low === null && high === null) faults.set(`further/${at}`, "asked.noBound");
    else if (!hasRoom(low, high)) faults.set(`further/${at}`, "partition.wrong");
  });
  return faults;
}

/** What is sent, of fields without fault. */
export function wishOf(asking: Asking): AskedWish {
  return {
    min: numberOf(asking.min),
    max: numberOf(asking.max),
    weight: asking.weight.trim() === HOUSEHOLDS ? null : asking.weight.trim(),
    further: asking.further.map(({ weight, min, max }) => ({ weight: weight.trim(), min: numberOf(min), max: numberOf(max) })),
    barriers: asking.barriers,
    pieces: asking.pieces,
    max_walk: numberOf(asking.maxWalk),
    locks: asking.locks,
  };
}

/** The formulas that the server is to read, with the field of each. */
export function formulasOf(asking: Asking): { field: string; formula: string }[] {
  const main = asking.weight.trim() === HOUSEHOLDS ? [] : [{ field: "weight", formula: asking.weight.trim() }];
  return [...main, ...asking.further.map(({ weight }, at) => ({ field: `further/${at}`, formula: weight.trim() }))];
}

/** Bounds in another unit: as many times as its total is that of the one before, in round numbers. */
export function scaledBounds({ min, max }: Pick<Asking, "min" | "max">, before: number, after: number): { min: string; max: string } {
  const scale = before > 0 ? after / before : 1;
  const round = (text: string): string => {
    const value = (numberOf(text) ?? 0) * scale;
    const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
    return String(Math.round(value / step) * step);
  };
  return { min: round(min), max: round(max) };
}
