/** Keys of the dispatcher's desk. They sleep in fields, in dialogs, and while an input method composes a word. */

import type { Call } from "../state/casecall";
import type { CaseDesk } from "../state/cases";
import { worthAsking } from "../state/caselist";
import { stepOfKey } from "../state/casesteps";
import type { State } from "../state/state";

export function attachCaseKeys(state: State, cases: CaseDesk, call: Call, focusCall: () => void): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, select, textarea, [contenteditable], dialog, [role=dialog], [role=menu]")) return;
    if (!carryOut(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const carryOut = (key: string): boolean => {
    const letter = key.toLowerCase();
    if (letter === "n" || key === "/") {
      focusCall();
      // What stands there still gives way to what is typed.
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.select();
      return true;
    }
    if (letter === "j" || letter === "i") {
      cases.walk(letter === "j" ? 1 : -1);
      return true;
    }
    if (letter === "m") {
      cases.sound.value = !cases.sound.value;
      state.live.value = state.t(cases.sound.value ? "case.sound.isOn" : "case.sound.isOff");
      return true;
    }
    if (/^[1-9]$/.test(key)) return chooseCandidate(Number(key) - 1);
    if (cases.chosen.peek() === null) return false;
    if (letter === "w") {
      void cases.sendOut();
      return true;
    }
    const kind = stepOfKey(key);
    if (kind) cases.ask(kind);
    return kind !== undefined;
  };

  const chooseCandidate = (at: number): boolean => {
    const called = call.place.peek() ? call.answer.peek()?.choices[at] : undefined;
    if (called) {
      call.grid.value = called.code;
      return true;
    }
    const one = cases.detail.peek();
    const choice = one?.grid_code === null ? worthAsking(one.candidates)[at] : undefined;
    if (choice) void cases.settle(choice.code);
    return choice !== undefined;
  };

  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}
