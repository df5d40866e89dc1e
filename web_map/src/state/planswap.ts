/** A page that stays open for days: another plan may come into force meanwhile, and then belongs on the map. */

import { effect, type ReadonlySignal } from "@preact/signals";
import type { PlanSummary } from "../api/types";
import { holdsAt } from "./force";
import type { State } from "./state";

const LOOK_MS = 60_000;

/** The plan that holds now where another one does not any more; null: nothing to change. */
export function successorOf(plan: PlanSummary, plans: readonly PlanSummary[], now: number): PlanSummary | null {
  const known = plans.find(({ id }) => id === plan.id) ?? plan;
  if (holdsAt(known, now)) return null;
  const [west, south, east, north] = plan.bbox;
  return plans.find((each) => holdsAt(each, now) && each.bbox[0] < east && each.bbox[2] > west && each.bbox[1] < north && each.bbox[3] > south) ?? null;
}

/**
 * Look once a minute, and when the server answers by a plan that was not known to hold.
 *
 * `refresh` reads the list of plans, `open` puts one on the map as it lies. Returns how to stop.
 */
export function followPlans(state: State, answeredBy: ReadonlySignal<string | null>, refresh: () => Promise<void>, open: (id: string) => void): () => void {
  const look = async (): Promise<void> => {
    try {
      await refresh();
    } catch {
      // The line that cases come by tells that the server is away.
      return;
    }
    const plan = state.plan.peek();
    const next = plan && state.room.peek() === "dispatch" ? successorOf(plan, state.plans.peek(), Date.now()) : null;
    if (!next) return;
    state.live.value = state.t("case.plan.swapped", { name: next.name });
    open(next.id);
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  const stop = effect(() => {
    const id = answeredBy.value;
    const known = state.plans.peek().find((plan) => plan.id === id);
    if (id !== null && !(known && holdsAt(known, Date.now())) && state.plan.peek()?.id !== id) void look();
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}
