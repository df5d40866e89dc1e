/** Sets up the planner's desk in a browser: its memory, its name, its locks, and what it does when the page is closed. */

import { effect, type Signal, signal } from "@preact/signals";
import type { Client } from "../api/client";
import type { EditingClient } from "../api/edits";
import type { Actions } from "./actions";
import { type Commands, createCommands } from "./commands";
import { createDesk, type Desk } from "./desk";
import { createJobs, type Jobs } from "./deskjobs";
import { createPlanActions, type PlanActions } from "./deskplans";
import type { EditSession } from "./edit";
import { newKey } from "./keys";
import { createOutbox } from "./outbox";
import type { State } from "./state";
import { openPages } from "./syncpages";

const TOUR_KEY = "wangge.tour";
const WHO_KEY = "wangge.who";

export interface DeskSet {
  desk: Desk;
  plans: PlanActions;
  jobs: Jobs;
  commands: Commands;
}

/** The storage of the browser, or null where it is forbidden. */
function storageOf(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

function tell(key: string, value: string): void {
  try {
    storageOf("localStorage")?.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** The name that this browser's edits are signed with; remembered. */
export function rememberedWho(): Signal<string> {
  const who = signal(storageOf("localStorage")?.getItem(WHO_KEY) ?? "");
  effect(() => tell(WHO_KEY, who.value));
  return who;
}

export function openDesk(
  state: State,
  actions: Actions,
  client: Client,
  editing: EditingClient,
  edit: EditSession,
  who: Signal<string>,
  root: string,
): DeskSet {
  let told = false;
  const outbox = createOutbox(window.indexedDB, storageOf("localStorage"), () => {
    desk.kept.value = false;
    if (!told) desk.say("sync.memoryOnly", {}, true);
    told = true;
  });
  const pages = openPages(storageOf("sessionStorage"), navigator.locks, newKey);
  const desk = createDesk({ state, actions, client, editing, edit, outbox, pages, root, who });
  const leave = (): void => outbox.flush();
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
  startTour(state, desk);
  return { desk, plans: createPlanActions(desk), jobs: createJobs(desk), commands: createCommands(state, edit) };
}

// The first time that a plan is on the page.
function startTour(state: State, desk: Desk): void {
  const seen = storageOf("localStorage")?.getItem(TOUR_KEY) ?? null;
  if (seen === null) {
    const stop = effect(() => {
      if (state.phase.value !== "ready") return;
      desk.tour.value = 0;
      queueMicrotask(() => stop());
    });
  }
  let shown = false;
  effect(() => {
    if (desk.tour.value !== null) shown = true;
    else if (shown) tell(TOUR_KEY, "seen");
  });
}
