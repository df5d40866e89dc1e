/** What every panel may use. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Client } from "../api/client";
import type { PlanSummary } from "../api/types";
import type { Actions } from "../state/actions";
import type { Compare, OtherMap } from "../state/compare";
import type { Commands } from "../state/commands";
import type { Cutting } from "../state/cutting";
import type { Desk } from "../state/desk";
import type { Jobs } from "../state/deskjobs";
import type { PlanActions } from "../state/deskplans";
import type { Exports } from "../state/exports";
import type { EditSession } from "../state/edit";
import type { Base } from "../state/base";
import type { BaseClient } from "../api/base";
import type { Notes } from "../state/notes";
import type { State } from "../state/state";
import type { Toolbox } from "../state/tools";
import type { DispatchRoom } from "../dispatch";
import type { ReadonlySignal } from "@preact/signals";

/** The dispatcher's desk, once it is loaded. */
export interface DispatchDoor {
  room: DispatchRoom | null;
  failed: boolean;
}

export interface AppContext {
  state: State;
  actions: Actions;
  client: Client;
  edit: EditSession;
  commands: Commands;
  tools: Toolbox;
  desk: Desk;
  plans: PlanActions;
  jobs: Jobs;
  force: { retry: () => void };
  notes: Notes;
  compare: Compare;
  exports: Exports;
  openOther: (plan: PlanSummary, host: HTMLElement) => OtherMap;
  /** The map has another size: it keeps its middle. */
  relayout: () => void;
  /** Give a file to the browser to keep. */
  save: (file: Blob, name: string) => void;
  /** Keep the view as a picture. */
  picture: () => Promise<void>;
  base: Base;
  baseClient: BaseClient;
  cutting: Cutting;
  dispatch: ReadonlySignal<DispatchDoor>;
  /** Load the dispatcher's desk, again where that failed. */
  enterDispatch: () => void;
  /** Middle of the map that is in sight. */
  centre: () => [lon: number, lat: number];
}

export const Context = createContext<AppContext | null>(null);

export function useApp(): AppContext {
  const app = useContext(Context);
  if (!app) throw new Error("a panel stands outside of the app");
  return app;
}

/** Whether a key belongs to an input method that is composing a word. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
