/** The cell of the keyboard as a hand: what Enter does there with each tool. Whatever a pointer can do is done without one. */

import type { EditSession, Tool } from "./edit";
import type { State } from "./state";
import type { Modifiers, Toolbox } from "./tools";

export interface KeyHand {
  /** Use the tool in hand at a cell; whether it is used there by more than giving that one cell. */
  press(cell: number, away: boolean, keys: Pick<Modifiers, "shift" | "alt">): boolean;
  /** Break off what was begun with another tool. */
  leave(): void;
}

/** A drawing between two presses: lines and boxes have two ends, rings as many corners as one likes. */
interface Begun {
  tool: Tool;
  last: number;
  corners: number;
}

export function createKeyHand(state: State, session: EditSession, tools: Pick<Toolbox, "down" | "move" | "up" | "cancel">): KeyHand {
  let begun: Begun | null = null;

  const placeOf = (cell: number) => {
    const anchor = session.ground?.graph.anchor ?? [];
    return { x: anchor[2 * cell], y: anchor[2 * cell + 1], cell, corner: true };
  };

  const click = (cell: number, keys: Partial<Modifiers>): void => {
    tools.down(placeOf(cell), { shift: false, ctrl: false, alt: false, ...keys });
    tools.up();
  };

  const draw = (tool: Tool, cell: number, alt: boolean): void => {
    // Escape, or a pointer that came in between, has broken off what was begun.
    if (!begun || begun.tool !== tool || !session.holding.peek()) {
      tools.down(placeOf(cell), { shift: false, ctrl: false, alt });
      begun = { tool, last: cell, corners: 1 };
      state.live.value = state.t(isRing(tool) ? "edit.corner" : "edit.begun", { count: 1 });
      return;
    }
    const again = cell === begun.last;
    if (!again) tools.move([placeOf(cell)]);
    if (isRing(tool) && !again) {
      begun = { tool, last: cell, corners: begun.corners + 1 };
      state.live.value = state.t("edit.corner", { count: begun.corners });
      return;
    }
    begun = null;
    tools.up();
  };

  return {
    press(cell, away, { shift, alt }) {
      const tool = session.tool.peek();
      switch (tool) {
        case "lock":
          // Delete is no key of locking.
          if (!away || alt) click(cell, { shift, alt });
          return true;
        case "block":
        case "compound":
          click(cell, { alt: away });
          return true;
        case "merge":
          click(cell, {});
          return true;
        case "lasso":
        case "box":
        case "draw":
        case "split":
          draw(tool, cell, away);
          return true;
        default:
          return false;
      }
    },
    leave() {
      if (begun && session.holding.peek()) tools.cancel();
      begun = null;
    },
  };
}

const isRing = (tool: Tool): boolean => tool === "lasso" || tool === "draw";
