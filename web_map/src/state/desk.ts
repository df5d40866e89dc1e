/**
 * The planner's desk: ties the edit session to the server (sync, presence, history) and holds what the panels around the
 * map show of it. What a panel can make happen to a plan as a whole is in deskplans.ts and deskjobs.ts.
 */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { Client } from "../api/client";
import type { EditingClient, ServerEdit } from "../api/edits";
import { listen, type Person } from "../api/events";
import { ApiError } from "../api/request";
import type { Key, Values } from "../i18n";
import type { Actions } from "./actions";
import { isAway, OF_THE_LINE } from "./connection";
import { type Check, checksOf } from "./checks";
import type { EditSession } from "./edit";
import { stepsOf, unsentOf } from "./history";
import { type LiveTotals, liveTotals } from "./livetable";
import type { Outbox, Unsent } from "./outbox";
import type { State } from "./state";
import { renewDraft, STEPS_BACK } from "./renew";
import { createSync, type Sync } from "./sync";
import { afterBase } from "./syncbase";
import type { Pages } from "./syncpages";
import { watchTogether } from "./together";

export type DialogName = "first" | "publish" | "partition" | "rebalance" | "shortcuts" | "delete" | "rename";
export type Tab = "grids" | "checks" | "notes" | "history" | "compare" | "base";

/** A word to the user that goes by itself. */
export interface Toast {
  key: Key;
  values: Values;
  alert: boolean;
}

export interface Desk {
  readonly state: State;
  readonly edit: EditSession;
  readonly editing: EditingClient;
  readonly client: Client;
  readonly actions: Actions;
  readonly outbox: Outbox;
  /** The name that edits are signed with. */
  readonly who: Signal<string>;
  readonly me: ReadonlySignal<string>;
  readonly people: ReadonlySignal<Person[]>;
  /** Whether the server tells of other people's edits at the moment. */
  readonly line: ReadonlySignal<boolean>;
  readonly sync: ReadonlySignal<Sync | null>;
  readonly tab: Signal<Tab>;
  readonly dialog: Signal<DialogName | null>;
  readonly tour: Signal<number | null>;
  readonly toast: Signal<Toast | null>;
  readonly checks: ReadonlySignal<Check[]>;
  readonly totals: ReadonlySignal<LiveTotals | null>;
  /** Whether this browser keeps what is not sent beyond the life of the page. */
  readonly kept: Signal<boolean>;
  /** Goes up with every edit that the server has, ours or not. */
  readonly arrivals: ReadonlySignal<number>;
  say(key: Key, values?: Values, alert?: boolean): void;
  /** Zoom to a grid of a draft as it is now. */
  zoomTo(check: Check): void;
}

export interface DeskParts {
  state: State;
  actions: Actions;
  client: Client;
  editing: EditingClient;
  edit: EditSession;
  outbox: Outbox;
  pages: Promise<Pages>;
  root: string;
  who: Signal<string>;
}

const TOAST_MS = 8000;

/** The next frame has been drawn; a page that nobody sees draws none, and waits no longer than this. */
const UNSEEN_MS = 100;
const drawn = (): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, UNSEEN_MS);
    requestAnimationFrame(() => setTimeout(done));
  });

export function createDesk(parts: DeskParts): Desk {
  const { state, edit, editing, outbox } = parts;
  const people = signal<Person[]>([]);
  const line = signal(false);
  const sync = signal<Sync | null>(null);
  const arrivals = signal(0);
  const kept = signal(true);
  const me = signal("");
  const toast = signal<Toast | null>(null);
  let toastTimer: ReturnType<typeof setTimeout> | undefined;

  const living = computed(() => {
    void edit.attributesVersion.value;
    const { book } = edit;
    return book ? book.codes.map((_, ix) => book.grid(ix)).filter((grid) => !grid.retired) : [];
  });
  const whole = computed(() => {
    void [edit.phase.value, edit.opened.value];
    const graph = edit.ground?.graph;
    return { cells: graph?.n ?? 0, households: graph ? graph.households.reduce((sum, each) => sum + each, 0) : 0 };
  });
  const totals = computed(() => {
    void edit.version.value;
    return edit.live ? liveTotals(edit.live.figures, living.value, whole.value, state.bounds.value) : null;
  });
  const checks = computed(() => {
    // After each edit, not in the middle of a stroke.
    void state.grids.value;
    if (edit.phase.value !== "ready" || !edit.live) return [];
    return checksOf(edit.live, living.value, whole.value.cells, state.bounds.value);
  });

  const say: Desk["say"] = (key, values = {}, alert = false) => {
    clearTimeout(toastTimer);
    toast.value = { key, values, alert };
    // An alert is an alert on the page itself.
    if (!alert) state.live.value = state.t(key, values);
    if (!alert) toastTimer = setTimeout(() => (toast.value = null), TOAST_MS);
    else if (OF_THE_LINE.has(key)) {
      // It goes with what it tells of; whether the server is there is found out now.
      void sync.peek()?.catchUp();
      toastTimer = setTimeout(() => !isAway(sync.peek()?.standing.peek()) && (toast.value = null), TOAST_MS);
    }
  };

  let wasAway = false;
  effect(() => {
    const standing = sync.value?.standing.value;
    untracked(() => {
      if (isAway(standing)) wasAway = true;
      if (!wasAway || standing !== "saved") return;
      wasAway = false;
      say("sync.back");
    });
  });

  let stop: () => void = () => undefined;
  effect(() => {
    const phase = edit.phase.value;
    untracked(() => {
      if (phase !== "off" && phase !== "ready") return;
      stop();
      stop = () => undefined;
      const plan = state.plan.peek();
      if (phase === "ready" && plan) stop = begin(plan.id);
    });
  });

  /** Start the traffic of one draft; the answer ends it. */
  function begin(plan: string): () => void {
    let ended = false;
    const ends: (() => void)[] = [];
    let made: Unsent[] = [];
    let back: Unsent[] = [];
    let order = Date.now();
    const running = createSync({
      plan,
      revision: edit.revision,
      client: {
        edits: editing.edits,
        // What is on the page already need not wait for what is sent.
        send: async (...all) => {
          await drawn();
          return editing.send(...all);
        },
      },
      outbox,
      model: {
        applyRemote: (cells, grids, changes) => edit.applyRemote(cells, grids, changes as never),
        codes: () => edit.book?.codes.filter((code) => code !== undefined) ?? [],
        grids: () => edit.live?.nGrids ?? 0,
        async renew(since) {
          const fresh = await renewDraft(parts, plan, since);
          return fresh && { ...fresh, swap: (unsent) => renewed(() => fresh.swap(unsentNow(unsent))) };
        },
        arrived: (edits) => {
          arrivals.value++;
          tellOf(edits);
        },
        meeting: (theirs, ours) => {
          const torn = edit.live ? watchTogether(edit.live, theirs, ours) : () => [];
          return () => tellTorn(torn(), theirs);
        },
      },
      later: (ms, then) => {
        const timer = setTimeout(then, ms);
        return () => clearTimeout(timer);
      },
      now: () => Date.now(),
    });
    sync.value = running;
    ends.push(running.close);
    ends.push(effect(() => void (running.savedAt.value !== null && untracked(() => arrivals.value++))));
    ends.push(
      edit.onEdit((done) => {
        const place = { plan, client: me.peek(), order: ++order, revision: running.revision.peek(), at: Date.now() };
        const entry = unsentOf(done, place, running.revisionOf);
        made.push(entry);
        running.push(entry);
      }),
    );
    void start();

    async function start(): Promise<void> {
      const pages = await parts.pages;
      me.value = pages.me;
      const waiting = await atHand(() => true);
      if (ended) return;
      const fresh = waiting.filter((entry) => !made.some((mine) => mine.key === entry.key));
      const ours = fresh.filter((entry) => entry.client === pages.me);
      running.adopt(ours);
      if (ours.length > 0) say("sync.recovered", { count: ours.length });
      for (const client of new Set(fresh.map((entry) => entry.client)))
        pages.whenGone(client, () => void takeOver(client, pages.me));
      const look = (): void => void running.catchUp();
      for (const kind of ["online", "offline"]) {
        addEventListener(kind, look);
        ends.push(() => removeEventListener(kind, look));
      }
      ends.push(follow(pages.me));
      void running.catchUp();
      back.push(...ours);
      await restore();
    }

    // All that is not sent, with the numbers of cells of now.
    function unsentNow(unsent: readonly Unsent[]): Unsent[] {
      back = [];
      made = [...unsent];
      return made;
    }

    function renewed(swap: () => void): void {
      swap();
      arrivals.value++;
    }

    // Unsent edits in the numbers that cells have now: base data may have changed since they were made.
    async function atHand(which: (entry: Unsent) => boolean): Promise<Unsent[]> {
      const found = (await outbox.all(plan).catch(() => [])).filter(which);
      const now = running.revision.peek();
      const since = found.reduce((least, entry) => Math.min(least, entry.revision ?? now), now);
      if (since === now) return found;
      for (let wait = 1000; !ended; wait = Math.min(2 * wait, 20_000))
        try {
          return afterBase(found, await editing.edits(plan, since, false), now);
        } catch (error) {
          if (error instanceof ApiError && !error.passing) return found;
          await new Promise((done) => setTimeout(done, wait));
        }
      return [];
    }

    // What a page left that is no more: put on the plan here and sent from here.
    async function takeOver(client: string, mine: string): Promise<void> {
      const left = await atHand((entry) => entry.client === client);
      if (ended || left.length === 0) return;
      const entries = left.map((entry) => ({ ...entry, client: mine, order: ++order }));
      await outbox.put(entries).catch(() => undefined);
      running.adopt(entries);
      say("sync.recovered", { count: entries.length });
      back.push(...entries);
      await restore();
    }

    function follow(client: string): () => void {
      let close: () => void = () => undefined;
      const dispose = effect(() => {
        const name = parts.who.value;
        close();
        close = listen(parts.root, plan, { client, name }, {
          edit: running.heard,
          presence: (list) => (people.value = list),
          published: () => void parts.actions.refreshPlans().then(() => parts.actions.openPlan(plan)),
          line: (open) => {
            line.value = open;
            // A line that breaks may mean that the server is away, and only asking tells.
            void running.catchUp();
          },
        });
      });
      return () => {
        dispose();
        close();
      };
    }

    // The steps that this browser made before, so that they can be taken back.
    async function restore(): Promise<void> {
      const since = Math.max(0, edit.revision - STEPS_BACK);
      try {
        const began = edit.opened.peek();
        const [log, mine] = await Promise.all([editing.edits(plan, since, true), outbox.mine(plan)]);
        // Where other base data came meanwhile the steps came with them.
        if (ended || edit.opened.peek() !== began) return;
        // What came back of a page that is gone can be taken back as well.
        const here = [...back, ...made].sort((a, b) => a.order - b.order);
        const sent = new Set(here.map((entry) => running.revisionOf(entry.key)));
        const before = log.filter((each) => !sent.has(each.revision));
        const { done, undone } = stepsOf(before, mine, here);
        edit.restoreHistory(done, undone);
      } catch {
        // Without the log only the steps of this session can be taken back; the next load asks again.
      }
    }

    return () => {
      ended = true;
      for (const end of ends) end();
      batch(() => {
        sync.value = null;
        people.value = [];
        line.value = false;
      });
    };
  }

  function tellOf(edits: ServerEdit[]): void {
    const last = edits[edits.length - 1];
    const cells = edits.reduce((sum, each) => sum + (each.n_cells ?? each.cells?.length ?? 0), 0);
    const name = last.who || state.t("people.someone");
    if (cells > 0) state.live.value = state.t("live.remote", { name, cells });
  }

  // Neither of two strokes did it alone: who came second hears of it, the check list shows where.
  function tellTorn(grids: readonly number[], theirs: readonly ServerEdit[]): void {
    if (grids.length === 0) return;
    const names = [...new Set(theirs.map(({ who }) => who).filter(Boolean))];
    const codes = grids.map((grid) => edit.book?.codes[grid] ?? String(grid));
    const name = names.length > 0 ? names.join(", ") : state.t("people.someone");
    say("sync.inPieces", { codes: codes.join(", "), name }, true);
  }

  const zoomTo: Desk["zoomTo"] = ({ kind, grid }) => {
    const { live, ground } = edit;
    if (!live || !ground) return;
    const cells: number[] = [];
    if (kind === "in_pieces" && grid !== null) for (const piece of live.pieceCells(grid).slice(1)) cells.push(...piece);
    else for (let cell = 0; cell < live.gridOf.length; cell++) if (live.gridOf[cell] === (grid ?? -1)) cells.push(cell);
    if (cells.length > 0) parts.actions.fitCells(ground.graph.anchor, cells);
    if (grid !== null) state.selected.value = grid;
  };

  return {
    state,
    edit,
    editing,
    client: parts.client,
    actions: parts.actions,
    outbox,
    who: parts.who,
    me,
    people,
    line,
    sync,
    tab: signal<Tab>("grids"),
    dialog: signal<DialogName | null>(null),
    tour: signal<number | null>(null),
    toast,
    checks,
    totals,
    arrivals,
    kept,
    say,
    zoomTo,
  };
}
