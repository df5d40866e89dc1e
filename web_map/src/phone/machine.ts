/** What a worker can do with a case, also while steps of his own wait to be sent. Pure. */

import type { CaseRow, CaseState, CaseStep, StepKind } from "../api/cases";

/** Steps that the worker's page offers, in the order of its buttons. */
export const WORKER_STEPS = [
  "accept", "resume", "done", "check", "return", "hand_over", "extend", "park", "escalate", "evaluate", "note",
] as const; // prettier-ignore
export type WorkerStep = (typeof WORKER_STEPS)[number];

/** Those that need a reason, as the server has it. */
export const NEEDS_REASON: ReadonlySet<string> = new Set(["return", "hand_over", "extend", "park", "escalate", "note"]);
/** Those after which the case is somebody else's. */
const GIVES_AWAY: ReadonlySet<string> = new Set(["return", "hand_over", "escalate"]);
/** Those that the rules allow only so often, wherever the case stands. */
const LIMITED: ReadonlySet<string> = new Set(["return", "extend", "escalate"]);

const AFTER: Partial<Record<CaseState, Partial<Record<StepKind, CaseState>>>> = {
  dispatched: { accept: "accepted", return: "dispatched", hand_over: "dispatched", extend: "dispatched", escalate: "dispatched" },
  accepted: { done: "done", return: "dispatched", hand_over: "dispatched", extend: "accepted", park: "parked", escalate: "dispatched" },
  parked: { resume: "accepted", escalate: "dispatched" },
  done: { check: "checked" },
  closed: { evaluate: "evaluated" },
};

/** A step that waits, as far as it changes what can be done next. */
export interface Waiting {
  kind: StepKind;
  passed?: boolean | undefined;
}

/** Where a case will stand when its waiting steps have been taken. */
export function stateAfter(state: CaseState, waiting: readonly Waiting[]): CaseState {
  return waiting.reduce((now, { kind, passed }) => {
    if (kind === "check" && passed === false) return "dispatched";
    return AFTER[now]?.[kind] ?? now;
  }, state);
}

/**
 * What can be done now. `allowed` is what the server said of the case as it stands there, null where it was not asked. A
 * case that was given back, handed over or escalated is somebody else's, and one that was checked is at its end here: only
 * notes are left.
 */
export function possible(
  state: CaseState,
  allowed: readonly StepKind[] | null,
  waiting: readonly Waiting[],
): WorkerStep[] {
  const moved = waiting.filter(({ kind }) => kind !== "note");
  if (moved.some(({ kind }) => GIVES_AWAY.has(kind))) return ["note"];
  if (moved.length === 0 && allowed) return WORKER_STEPS.filter((kind) => allowed.includes(kind));
  const next = AFTER[stateAfter(state, waiting)] ?? {};
  const usedUp = (kind: StepKind): boolean =>
    LIMITED.has(kind) &&
    (moved.some((one) => one.kind === kind) || (allowed !== null && AFTER[state]?.[kind] !== undefined && !allowed.includes(kind)));
  return WORKER_STEPS.filter((kind) => kind === "note" || (next[kind] !== undefined && !usedUp(kind)));
}

/** Steps that leave a case where it was: nobody has to decide anew because of them. */
const HARMLESS: ReadonlySet<string> = new Set(["note", "urge"]);

/** Whether what happened to a case meanwhile leaves a step as it was meant. */
export const isHarmless = (steps: readonly CaseStep[]): boolean => steps.every(({ kind }) => HARMLESS.has(kind));

/**
 * How many steps a waiting step may say that its sender knows, after another step of the same sender was taken: all of
 * them where the others are harmless, else as many as before.
 */
export function seenAfter(seen: number | null, mine: StepKind | null, steps: readonly CaseStep[]): number | null {
  if (seen === null) return null;
  const since = steps.slice(seen);
  const own = since.map(({ kind }) => kind).lastIndexOf(mine as StepKind);
  const others = since.filter((_, i) => i !== own);
  return isHarmless(others) ? steps.length : seen;
}

/** Order of the list: what is due first comes first, then what has to be checked, what is not given out, what is parked. */
export function inOrder<T extends { id: number; state: CaseState; due_at: string | null; accept_by: string | null }>(
  rows: readonly T[],
): T[] {
  const part = ({ state }: T): number =>
    state === "dispatched" || state === "accepted" ? 0 : state === "done" ? 1 : state === "parked" ? 3 : 2;
  const due = ({ due_at }: T): number => (due_at === null ? Infinity : Date.parse(due_at));
  return [...rows].sort((a, b) => part(a) - part(b) || compare(due(a), due(b)) || a.id - b.id);
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** How a case stands against the clock at a moment, also long after the server was asked. */
export interface Urgency {
  level: "none" | "fine" | "soon" | "overdue";
  /** Minutes until it is due; negative: since it was. Null where no clock runs. */
  minutes: number | null;
  /** Not accepted in time. */
  unanswered: boolean;
}

const SOON_MINUTES = 60;

export function urgencyOf(
  row: Pick<CaseRow, "due_at" | "accept_by" | "clock" | "soon" | "overdue">,
  state: CaseState,
  now: number,
): Urgency {
  const runs = (state === "dispatched" || state === "accepted") && row.due_at !== null && row.clock !== "stopped";
  if (!runs || row.due_at === null) return { level: "none", minutes: null, unanswered: false };
  const exact = (Date.parse(row.due_at) - now) / 60_000;
  // A phone whose clock is slow is told by the server.
  const late = row.overdue || Date.parse(row.due_at) <= now;
  const minutes = late ? -Math.max(1, Math.floor(-exact)) : Math.ceil(exact);
  const unanswered = state === "dispatched" && row.accept_by !== null && Date.parse(row.accept_by) < now;
  return { level: late ? "overdue" : row.soon || minutes <= SOON_MINUTES ? "soon" : "fine", minutes, unanswered };
}
