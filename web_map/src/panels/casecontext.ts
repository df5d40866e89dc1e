/** What every panel of the dispatcher's desk may use. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { CaseAreas } from "../state/caseareas";
import type { Call } from "../state/casecall";
import type { CaseDesk } from "../state/cases";
import type { State } from "../state/state";

export interface DispatchContext {
  state: State;
  cases: CaseDesk;
  call: Call;
  areas: CaseAreas;
  /** Bring a place into sight. */
  show(lon: number, lat: number): void;
  /** Zoom to a grid by its code. */
  zoomTo(code: string): void;
  /** Zoom to some cases. */
  zoomToCases(ids: readonly number[]): void;
  /** Go to the planner's desk. */
  plan(): void;
  /** Put the cursor into the box of calls. */
  focusCall(): void;
}

export const CaseContext = createContext<DispatchContext | null>(null);

export function useDispatch(): DispatchContext {
  const found = useContext(CaseContext);
  if (!found) throw new Error("a panel stands outside of the dispatcher's desk");
  return found;
}
