/** The plan in force under the plan on the page: whether there is one, whether it is shown, whether it came. */

import { effect, untracked } from "@preact/signals";
import type { PlanSummary } from "../api/types";
import type { State } from "./state";

/** Whether a plan holds at a moment (milliseconds). */
export function holdsAt({ state, valid_from, valid_to }: PlanSummary, now: number): boolean {
  if (state === "draft" || !valid_from || Date.parse(valid_from) > now) return false;
  return !valid_to || Date.parse(valid_to) > now;
}

/** Plans that may hold where a plan lies, other than itself; the server says which do. */
export function othersInForce(plan: PlanSummary, plans: readonly PlanSummary[], now: number): PlanSummary[] {
  if (holdsAt(plan, now)) return [];
  const [west, south, east, north] = plan.bbox;
  return plans.filter(
    (other) =>
      other.id !== plan.id &&
      holdsAt(other, now) &&
      other.bbox[0] < east &&
      other.bbox[2] > west &&
      other.bbox[1] < north &&
      other.bbox[3] > south,
  );
}

/** Reads the plan in force; null where that failed. */
export type LoadForce = (planId: string, done: (plans: string[] | null) => void) => void;

/** Keep `state.force` true to the plan on the page. The plan in force waits until the plan itself is painted. */
export function connectForce(state: State, load: LoadForce): { retry: () => void } {
  let loaded = "";
  const read = (): void => {
    const id = state.plan.peek()?.id;
    if (id === undefined) return;
    loaded = id;
    state.force.value = "loading";
    load(id, (plans) => {
      if (state.plan.peek()?.id !== id) return;
      state.force.value = plans === null ? "failed" : plans.length > 0 ? "ready" : "none";
    });
  };
  effect(() => {
    const plan = state.plan.value;
    const possible = plan !== null && othersInForce(plan, state.plans.value, Date.now()).length > 0;
    const ready = state.phase.value === "ready" && state.painted.value;
    const shown = state.forceShown.value !== "none";
    untracked(() => {
      if (!possible) {
        loaded = "";
        state.force.value = "none";
      } else if (ready && shown && loaded !== plan.id) read();
      else if (loaded !== plan.id) state.force.value = "off";
    });
  });
  return { retry: read };
}
