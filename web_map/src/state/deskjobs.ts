/** Long work of the server on a draft: partition, rebalance. Its result is a proposal, shown before it counts. */

import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { AskedWish, Proposal, Reason, RebalanceWish, SolveWish } from "../api/edits";
import { weigh } from "../kernels/weigh";
import type { Desk } from "./desk";
import { tell } from "./deskplans";
import type { ProposalFigures } from "./edit";
import { problemWords } from "./problems";

export interface Running {
  kind: "partition" | "rebalance";
  /** 0 to 1. */
  progress: number;
  /** Seconds that are left by the speed so far; null while it is too early to say, or where nothing goes on. */
  left: number | null;
  /** Seconds since it began. */
  spent: number;
}

export interface Jobs {
  readonly running: ReadonlySignal<Running | null>;
  /** Why grids of the plan that was made just now are out of bounds; until somebody has read it. */
  readonly reasons: Signal<readonly Reason[]>;
  partition(wish: SolveWish): Promise<void>;
  /** Make a draft on a data version, open it and fill it with grids. */
  first(dataset: string, name: string, wish: SolveWish): Promise<void>;
  rebalance(wish: RebalanceWish): Promise<void>;
  /** Which cells would mend this grid. */
  suggest(grid: number): Promise<void>;
  cancel(): void;
}

const ASK_MS = 400;
/** From this share on the time left is told. */
const ENOUGH = 0.05;
/** After so many seconds without progress no time left is told. */
const STANDS_S = 3;

export function createJobs(desk: Desk, wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))): Jobs {
  const { editing, state, edit } = desk;
  const running = signal<Running | null>(null);
  const told = signal<readonly Reason[]>([]);
  effect(() => {
    if (edit.phase.value !== "ready") told.value = [];
  });
  let id: string | null = null;

  const weighed = (found: Proposal, wish: Partial<AskedWish>): ProposalFigures | null => {
    const { live, ground, book } = edit;
    if (!live || !ground || !book) return null;
    const fresh = new Map((found.changes ?? []).map(({ path, value }) => [path, value as { boundary_code?: string } | null]));
    const boundaryOf = (grid: number): string => fresh.get(`grid/${grid}`)?.boundary_code ?? book.boundaryOf(grid);
    const usual = state.bounds.peek();
    const bounds = [wish.min ?? usual[0], wish.max ?? usual[1]] as const;
    const figures = weigh(ground.graph, live.gridOf, found, boundaryOf, bounds);
    return { ...figures, ofHouseholds: !wish.weight, inBounds: found.in_bounds ?? null };
  };

  const propose = (kind: string, title: string, found: Proposal, wish: Partial<AskedWish> = {}): void => {
    const cells = Uint32Array.from(found.cells);
    const grids = Int32Array.from(found.grids);
    const changes = found.changes ?? [];
    const reasons = found.reasons ?? [];
    const moves = cells.some((cell, i) => edit.live?.gridOf[cell] !== grids[i]);
    if (!moves && changes.length === 0) return desk.say("proposal.nothing");
    // Where there was no grid there is nothing to weigh it against: it is the draft, and Ctrl+Z takes it back.
    if (desk.totals.peek()?.grids === 0) {
      edit.perform(kind, cells, grids, changes);
      told.value = reasons;
      return desk.say("first.done", { grids: desk.totals.peek()?.grids ?? 0 });
    }
    const figures = weighed(found, wish);
    edit.proposal.value = { kind, title, cells, grids, changes, weighed: figures, reasons };
    state.live.value = state.t("proposal.ready", { title, households: figures?.households ?? 0 });
  };

  const run = async (kind: Running["kind"], wish: AskedWish, begin: () => Promise<string>): Promise<void> => {
    if (running.peek()) return;
    const plan = state.plan.peek()?.id;
    running.value = { kind, progress: 0, left: null, spent: 0 };
    state.live.value = state.t("job.begun", { what: state.t(`job.${kind}`) });
    const from = Date.now();
    let moved = 0;
    try {
      id = await begin();
      for (;;) {
        const job = await editing.job(id);
        if (state.plan.peek()?.id !== plan || !running.peek()) return;
        if (job.state === "done" && job.result) return propose(kind, state.t(`job.${kind}`), job.result, wish);
        if (job.state === "failed")
          return desk.say("job.failed", { detail: problemWords(state, { code: job.code ?? "error", detail: job.error ?? "" }) }, true);
        if (job.state === "cancelled") return desk.say("job.cancelled");
        const spent = (Date.now() - from) / 1000;
        if (job.progress !== running.peek()?.progress) moved = spent;
        const left = job.progress > ENOUGH ? Math.ceil((spent * (1 - job.progress)) / job.progress) : null;
        // A guess that time has shown to be wrong is not told.
        const stands = left === null || spent - moved > Math.max(STANDS_S, left);
        running.value = { kind, progress: job.progress, left: stands ? null : left, spent: Math.round(spent) };
        await wait(ASK_MS);
      }
    } catch (error) {
      tell(desk, error);
    } finally {
      id = null;
      running.value = null;
    }
  };

  // Until the draft can be edited; false where it cannot be had, or another plan was opened instead.
  const opened = (plan: string): Promise<boolean> =>
    new Promise((done) => {
      const stop = effect(() => {
        const phase = edit.phase.value;
        const here = state.plan.value?.id === plan && state.phase.value !== "failed";
        if (here && phase !== "ready" && phase !== "failed") return;
        queueMicrotask(() => {
          stop();
          done(here && phase === "ready");
        });
      });
    });

  const partition: Jobs["partition"] = (wish) =>
    run("partition", wish, () => editing.solve(state.plan.peek()?.id ?? "", wish));

  return {
    running,
    reasons: told,
    partition,
    async first(dataset, name, wish) {
      try {
        const whole: [number, number] = [Math.floor(wish.min ?? 0), Math.ceil(wish.max ?? 0)];
        const made = await editing.begin(dataset, name, wish.weight ? null : whole);
        await desk.actions.refreshPlans();
        await desk.actions.openPlan(made.id);
        if (!(await opened(made.id))) return;
        // The panel has come beside the map meanwhile.
        desk.actions.zoomToPlan();
        await partition(wish);
      } catch (error) {
        tell(desk, error);
      }
    },
    rebalance: (wish) => run("rebalance", wish, () => editing.rebalance(state.plan.peek()?.id ?? "", wish)),
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
