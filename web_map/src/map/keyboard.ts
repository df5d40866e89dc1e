/** Keys of the planner's desk. They sleep in fields, in dialogs, and while an input method composes a word. */

import { shortCode } from "../kernels/codes";
import type { CellCursor } from "../state/cursor";
import type { EditSession } from "../state/edit";
import type { KeyHand } from "../state/keyhand";
import { type Command, commandOf } from "../state/shortcuts";
import type { State } from "../state/state";
import type { Toolbox } from "../state/tools";
import type { MapView } from "./adapter";

const DIGITS_MS = 900;

export interface Keyboard {
  state: State;
  session: EditSession;
  tools: Toolbox;
  cursor: CellCursor;
  keyHand: Pick<KeyHand, "leave">;
  map: Pick<MapView, "centre">;
}

export function attachKeyboard(desk: Keyboard): void {
  let digits = "";
  let since = 0;

  const onDigit = (digit: string): boolean => {
    const now = performance.now();
    digits = now - since > DIGITS_MS ? digit : digits + digit;
    since = now;
    const { state, session } = desk;
    const grids = state.grids.value;
    const named = grids.flatMap((grid, ix) => (!grid.retired && Number(shortCode(grid.code)) === Number(digits) ? [ix] : []));
    // Every community counts from 001: that of the cell of the keyboard comes first, then that of the chosen grid.
    const cell = session.cursor.value;
    const beside = cell === null ? state.selected.value : (session.live?.gridOf[cell] ?? -1);
    const home = grids[beside ?? -1]?.boundary_code;
    const found = named.find((ix) => grids[ix].boundary_code === home) ?? named[0];
    if (found === undefined) return true;
    state.selected.value = found;
    const { code, households } = grids[found];
    state.live.value = state.t("edit.chosen", { code: shortCode(code), households });
    return true;
  };

  const escape = (): boolean => {
    const { session, tools, cursor } = desk;
    if (tools.cancel()) return true;
    if (session.cutOff.value) {
      session.cancelStroke();
      return true;
    }
    if (session.proposal.value) {
      session.refuseProposal();
      return true;
    }
    if (cursor.clear()) return true;
    if (session.tool.value === "pan") return false;
    session.tool.value = "pan";
    return true;
  };

  const carryOut = (command: Command, onMap: boolean): boolean => {
    const { state, session, tools, cursor, keyHand } = desk;
    // Where another plan lies over this one nothing is drawn.
    if (state.looking.value && (command.do === "tool" || command.do === "assign" || command.do === "step")) return false;
    switch (command.do) {
      case "tool":
        keyHand.leave();
        session.tool.value = command.tool;
        return true;
      case "brush":
        tools.grow(command.factor);
        return true;
      case "undo":
        session.undo();
        return true;
      case "redo":
        session.redo();
        return true;
      case "escape":
        return escape();
      case "pick":
        if (tools.pointer.value) tools.pick(tools.pointer.value);
        return true;
      case "take":
        tools.sticky.value = !tools.sticky.value;
        return true;
      case "digit":
        return onDigit(command.digit);
      case "assign":
        if (onMap && session.proposal.value && !command.away && !command.shift) session.acceptProposal();
        else if (onMap && session.cursor.value !== null) cursor.assign(command.away, command);
        else return false;
        return true;
      case "step":
        if (!onMap || session.tool.value === "pan") return false;
        cursor.step(command.direction, desk.map.centre());
        return true;
    }
  };

  document.addEventListener(
    "keydown",
    (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.isComposing || event.keyCode === 229 || desk.session.phase.value !== "ready" || desk.state.room.value !== "plan") return;
      if (target.closest("input, select, textarea, [contenteditable], .note-pin, dialog, [role=dialog], [role=menu]")) return;
      const { key, code, shiftKey: shift, altKey: alt } = event;
      const command = commandOf({ key, code, ctrl: event.ctrlKey || event.metaKey, shift, alt });
      const onMap = target === document.body || target.closest(".map") !== null;
      if (!command || !carryOut(command, onMap)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}
