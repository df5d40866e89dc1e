/** What every panel may use. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Client } from "../api/client";
import type { Actions } from "../state/actions";
import type { EditSession } from "../state/edit";
import type { State } from "../state/state";

export interface AppContext {
  state: State;
  actions: Actions;
  client: Client;
  edit: EditSession;
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
