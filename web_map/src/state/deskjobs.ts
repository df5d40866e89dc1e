/** Long work of the server on a draft: partition, rebalance. Its result is a proposal, shown before it counts. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Proposal, RebalanceWish, SolveWish } from "../api/edits";
import type { Desk } from "./desk";
import { tell } from "./deskplans";

export interface Running {
  kind: "partition" | "rebalance";
  /** 0 to 1. */
  progress: number;
  /** Seconds that are left by the speed so far; null while it is too early to say. */
  left: number | null;
}

export interface Jobs {
  readonly running: ReadonlySignal<Running | null>;
  partition(wish: SolveWish): Promise<void>;
  rebalance(wish: RebalanceWish): Promise<void>;
  /** Which cells would mend this grid. */
  suggest(grid: number): Promise<void>;
  cancel(): void;
}

const ASK_MS = 400;
/** From this share on the time left is told. */
const ENOUGH = 0.05;

export function createJobs(desk: Desk, wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))): Jobs {
  const { editing, state, edit } = desk;
  const running = signal<Running | null>(null);
  let id: string | null = null;

  const propose = (kind: string, title: string, found: Proposal): void => {
    const cells = Uint32Array.from(found.cells);
    const grids = Int32Array.from(found.grids);
    const changes = (found.changes ?? []) as never[];
    const moves = cells.some((cell, i) => edit.live?.gridOf[cell] !== grids[i]);
    if (!moves && changes.length === 0) return desk.say("proposal.nothing");
    edit.proposal.value = { kind, title, cells, grids, changes };
    state.live.value = state.t("proposal.ready");
  };

  const run = async (kind: Running["kind"], begin: () => Promise<string>): Promise<void> => {
    if (running.peek()) return;
    const plan = state.plan.peek()?.id;
    running.value = { kind, progress: 0, left: null };
    const from = Date.now();
    try {
      id = await begin();
      for (;;) {
        const job = await editing.job(id);
        if (state.plan.peek()?.id !== plan || !running.peek()) return;
        if (job.state === "done" && job.result) return propose(kind, state.t(`job.${kind}`), job.result);
        if (job.state === "failed") return desk.say("job.failed", { detail: job.error ?? "" }, true);
        if (job.state === "cancelled") return desk.say("job.cancelled");
        const spent = (Date.now() - from) / 1000;
        const left = job.progress > ENOUGH ? Math.ceil((spent * (1 - job.progress)) / job.progress) : null;
        running.value = { kind, progress: job.progress, left };
        await wait(ASK_MS);
      }
    } catch (error) {
      tell(desk, error);
    } finally {
      id = null;
      running.value = null;
    }
  };

  return {
    running,
    partition: (wish) => run("partition", () => editing.solve(state.plan.peek()?.id ?? "", wish)),
    rebalance: (wish) => run("rebalance", () => editing.rebalance(state.plan.peek()?.id ?? "", wish)),
    async suggest(grid) {
      try {
        const found = await editing.suggest(state.plan.peek()?.id ?? "", grid);
        propose("rebalance", state.t("job.suggest"), found);
      } catch (error) {
        tell(desk, error);
      }
    },
    cancel() {
      if (id === null) return;
      void editing.cancel(id).catch((error: unknown) => tell(desk, error));
    },
  };
}
