/** The address of the page: its desk, the plan and the case on it: #plan=3, #dispatch&plan=3, #dispatch&plan=3&case=12. */

import { batch, effect } from "@preact/signals";
import type { Room, State } from "./state";

export const roomOf = (hash: string): Room => (new URLSearchParams(hash.slice(1)).has("dispatch") ? "dispatch" : "plan");

export const planOf = (hash: string): string | null => new URLSearchParams(hash.slice(1)).get("plan");

const isAddress = (hash: string): boolean => hash.length < 2 || /[#&](plan=|dispatch)/.test(hash);

/** The case that an address names, as it is written there; null where it names none. */
export const caseOf = (hash: string): string | null =>
  roomOf(hash) === "dispatch" ? new URLSearchParams(hash.slice(1)).get("case") || null : null;

export function roomPath(room: Room, plan: string | null, caseId: number | null = null): string {
  const parts = [
    room === "dispatch" ? "dispatch" : "",
    plan === null ? "" : `plan=${encodeURIComponent(plan)}`,
    room === "dispatch" && caseId !== null ? `case=${caseId}` : "",
  ];
  return `#${parts.filter((part) => part !== "").join("&")}`;
}

/** What of the browser keeps the address. */
export interface AddressBar {
  readonly hash: string;
  push(hash: string): void;
  replace(hash: string): void;
  /** Call when the user goes back, forth, or to another address of this page. */
  onMove(act: () => void): void;
}

/**
 * Keep address and page in step, both ways: another desk and another case are places to come back to; a case that is
 * passed on the way through the list (`state.passing`) is not.
 */
export function connectAddress(state: State, bar: AddressBar, openPlan: (id: string) => void): void {
  const read = (): void => {
    const named = caseOf(bar.hash);
    const known = named !== null && /^\d{1,15}$/.test(named);
    batch(() => {
      state.room.value = roomOf(bar.hash);
      if (state.room.value !== "dispatch") return;
      state.caseId.value = known ? Number(named) : null;
      state.caseUnknown.value = named === null || known ? null : named;
    });
  };
  read();
  let [room, caseId] = [state.room.peek(), state.caseId.peek()];
  const write = (moved: boolean): void => {
    const plan = state.plan.peek();
    if (plan === null) return;
    const hash = roomPath(room, plan.id, caseId);
    if (hash === bar.hash) return;
    if (moved) bar.push(hash);
    else bar.replace(hash);
  };
  effect(() => {
    const [nowRoom, nowCase] = [state.room.value, state.caseId.value];
    void state.plan.value;
    const moved = nowRoom !== room || (nowRoom === "dispatch" && nowCase !== caseId);
    [room, caseId] = [nowRoom, nowCase];
    write(moved && !state.passing);
  });
  bar.onMove(() => {
    const stays = room === "plan" && roomOf(bar.hash) === "plan";
    const wanted = planOf(bar.hash);
    // A link to a part of the page is no other address.
    if (isAddress(bar.hash)) {
      state.passing = true;
      read();
      state.passing = false;
    }
    const other = stays && wanted !== null && wanted !== state.plan.peek()?.id;
    if (other && state.plans.peek().some(({ id }) => id === wanted)) openPlan(wanted);
    else write(false);
  });
}
