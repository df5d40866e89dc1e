/** What happens to a plan as a whole: branched, renamed, deleted, published, compared, taken back to an earlier point. */

import type { CheckKind, Checks, Comparison, ServerEdit } from "../api/edits";
import { ApiError } from "../api/request";
import type { Desk } from "./desk";
import { errorWords } from "./problems";

export interface PlanActions {
  /** Ask what a new plan out of data shall be like. */
  first(): Promise<void>;
  branch(name: string): Promise<void>;
  rename(name: string): Promise<boolean>;
  remove(): Promise<void>;
  /** What stands against publishing, as the server sees it; null where it did not answer. */
  checks(): Promise<Checks | null>;
  publish(validFrom: string, except: CheckKind[]): Promise<Checks["items"] | "done" | "failed">;
  compare(other: string): Promise<Comparison | null>;
  history(count: number): Promise<{ edits: ServerEdit[]; mine: Set<number>; more: boolean } | null>;
  restore(revision: number): Promise<void>;
  /** Move the unsent edits of a plan that is no draft any more to a new draft of it. */
  rescue(name: string): Promise<void>;
}

export function createPlanActions(desk: Desk): PlanActions {
  const { state, editing, actions } = desk;
  const planId = (): string => state.plan.peek()?.id ?? "";

  /** Do it, or say why it did not work. */
  const attempt = async <T>(act: () => Promise<T>): Promise<T | null> => {
    try {
      return await act();
    } catch (error) {
      tell(desk, error);
      return null;
    }
  };

  const allSent = (): boolean => {
    const sync = desk.sync.peek();
    if (!sync || (sync.unsent.peek() === 0 && sync.standing.peek() === "saved")) return true;
    desk.say("plan.notSaved", {}, true);
    return false;
  };

  const openNew = async (from: string, name: string): Promise<boolean> => {
    const made = await attempt(() => editing.branch(from, name));
    if (!made) return false;
    await actions.refreshPlans();
    await actions.openPlan(made.id);
    return true;
  };

  return {
    async first() {
      const found = await attempt(() => desk.client.datasets());
      if (!found) return;
      state.datasets.value = found;
      desk.dialog.value = "first";
    },
    async branch(name) {
      if (allSent() && (await openNew(planId(), name))) desk.say("plan.branched", { name });
    },
    async rename(name) {
      const done = await attempt(() => editing.rename(planId(), name).then(() => true));
      if (done) await attempt(() => actions.refreshPlans());
      return done ?? false;
    },
    async remove() {
      const { name } = state.plan.peek() ?? { name: "" };
      if (!(await attempt(() => editing.remove(planId()).then(() => true)))) return;
      await actions.start(null);
      desk.say("plan.deleted", { name });
    },
    checks: () => attempt(() => editing.checks(planId())),
    async publish(validFrom, except) {
      const revision = desk.sync.peek()?.revision.peek();
      if (revision === undefined || !allSent()) return "failed";
      try {
        await editing.publish(planId(), revision, validFrom, except);
      } catch (error) {
        if (error instanceof ApiError && Array.isArray(error.body.items)) return error.body.items as Checks["items"];
        tell(desk, error);
        return "failed";
      }
      const id = planId();
      await attempt(() => actions.refreshPlans());
      await actions.openPlan(id);
      desk.say("publish.done", { name: state.plan.peek()?.name ?? "", date: validFrom });
      return "done";
    },
    compare: (other) => attempt(() => editing.compare(other, planId())),
    async history(count) {
      const last = desk.sync.peek()?.revision.peek() ?? 0;
      const since = Math.max(0, last - count);
      const found = await attempt(() => Promise.all([editing.edits(planId(), since, false), desk.outbox.mine(planId())]));
      return found && { edits: found[0], mine: found[1], more: since > 0 };
    },
    async restore(revision) {
      const sync = desk.sync.peek();
      if (!sync || !allSent()) return;
      const answer = await attempt(() => editing.restore(planId(), sync.revision.peek(), revision));
      if (!answer) return;
      // Where base data came back with it, Ctrl+Z alone would take back a part: the history list takes back all.
      if (answer.base !== "restored") await desk.outbox.sent(`restore-${answer.revision}`, planId(), answer.revision);
      await sync.catchUp();
      desk.say(({ same: "history.restored", restored: "history.restored.base", kept: "history.restored.kept" } as const)[answer.base], { revision });
    },
    async rescue(name) {
      const waiting = desk.sync.peek()?.waiting() ?? [];
      const made = await attempt(() => editing.branch(planId(), name));
      if (!made) return;
      await desk.outbox.put(waiting.map((entry) => ({ ...entry, plan: made.id, revision: 0, undoes: null })));
      await actions.refreshPlans();
      await actions.openPlan(made.id);
    },
  };
}

/** Say why something did not work, in the server's words where it gave any. */
export function tell(desk: Desk, error: unknown): void {
  const known = error instanceof ApiError ? error : null;
  if (!known || known.status === 0) desk.say("error.noConnection", {}, true);
  else if (known.status === 412) desk.say("plan.stale", {}, true);
  else desk.say("error.refused", { detail: errorWords(desk.state, known) }, true);
}
