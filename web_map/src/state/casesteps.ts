/** What can be done with a case: the key of each step, what it asks for, and which comes next. */

import type { CaseState, StepKind } from "../api/cases";

export interface StepAsks {
  /** Whether words are asked for, and whether it is refused without them. */
  why: "needed" | "asked" | "none";
  /** Whether a unit is asked for; "rules": left empty, the rules say whose it is. */
  to?: "needed" | "rules";
  minutes?: true;
  passed?: true;
  other?: true;
}

/** Steps in the order of their buttons, the key of each, and what it asks for; without `asks` it happens at once. */
export const STEPS: readonly { kind: StepKind; key: string; asks?: StepAsks }[] = [
  { kind: "verify", key: "V" },
  { kind: "open", key: "O" },
  { kind: "dispatch", key: "D" },
  { kind: "accept", key: "A" },
  { kind: "done", key: "F" },
  { kind: "resume", key: "S" },
  { kind: "check", key: "C", asks: { why: "asked", passed: true } },
  { kind: "close", key: "K" },
  { kind: "evaluate", key: "G", asks: { why: "asked" } },
  { kind: "return", key: "R", asks: { why: "needed", to: "rules" } },
  { kind: "hand_over", key: "H", asks: { why: "needed", to: "needed" } },
  { kind: "escalate", key: "E", asks: { why: "needed", to: "rules" } },
  { kind: "extend", key: "X", asks: { why: "needed", minutes: true } },
  { kind: "park", key: "P", asks: { why: "needed" } },
  { kind: "urge", key: "U" },
  { kind: "reopen", key: "Z", asks: { why: "needed" } },
  { kind: "link", key: "L", asks: { why: "asked", other: true } },
  { kind: "unlink", key: "Y", asks: { why: "needed" } },
  { kind: "cancel", key: "Q", asks: { why: "needed" } },
  { kind: "note", key: "T", asks: { why: "needed" } },
];

const BY_KIND = new Map(STEPS.map((step) => [step.kind, step]));
const BY_KEY = new Map(STEPS.map((step) => [step.key.toLowerCase(), step.kind]));

export const asksOf = (kind: StepKind): StepAsks | undefined => BY_KIND.get(kind)?.asks;
export const keyOf = (kind: StepKind): string => BY_KIND.get(kind)?.key ?? "";
export const stepOfKey = (key: string): StepKind | undefined => BY_KEY.get(key.toLowerCase());

/** What leads on from each state. */
const NEXT: Partial<Record<CaseState, StepKind>> = {
  reported: "verify",
  verified: "open",
  opened: "dispatch",
  dispatched: "accept",
  accepted: "done",
  parked: "resume",
  done: "check",
  checked: "close",
  closed: "evaluate",
};

export const nextStep = (state: CaseState): StepKind | undefined => NEXT[state];

/** Steps that lead a case to the unit that handles it. */
export function stepsToSend(state: CaseState): StepKind[] {
  const way: [CaseState, StepKind][] = [["reported", "verify"], ["verified", "open"], ["opened", "dispatch"]]; // prettier-ignore
  const from = way.findIndex(([each]) => each === state);
  return from < 0 ? [] : way.slice(from).map(([, kind]) => kind);
}

const ENDED: ReadonlySet<CaseState> = new Set(["closed", "evaluated", "cancelled", "duplicate"]);
/** Whether nobody has anything to do for it. */
export const hasEnded = (state: CaseState): boolean => ENDED.has(state);

export const GRADES = ["simple", "general", "prominent", "major"] as const;
export const STATES: readonly CaseState[] = [
  "reported", "verified", "opened", "dispatched", "accepted", "parked", "done", "checked", "closed", "evaluated", "cancelled", "duplicate",
]; // prettier-ignore
