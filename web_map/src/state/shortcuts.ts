/** Which key means what while a draft is open. The list of shortcuts in the page is made from the same table. */

import type { Tool } from "./edit";
import type { Direction } from "./cursor";

export const TOOL_KEYS: Readonly<Record<string, Tool>> = {
  v: "pan",
  p: "paint",
  m: "move",
  l: "lasso",
  b: "box",
  k: "block",
  u: "compound",
  x: "split",
  d: "draw",
  t: "cut",
  c: "merge",
  q: "lock",
  n: "note",
};

export type Command =
  | { do: "tool"; tool: Tool }
  | { do: "brush"; factor: number }
  | { do: "undo" | "redo" | "escape" | "pick" | "take" }
  | { do: "assign"; away: boolean; shift?: true; alt?: true }
  | { do: "step"; direction: Direction }
  | { do: "digit"; digit: string };

export interface Press {
  key: string;
  code: string;
  ctrl: boolean;
  shift: boolean;
  alt: boolean;
}

const BRUSH_STEP = 1.25;
const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

/** What a key asks for; null: nothing of ours. */
export function commandOf({ key, code, ctrl, shift, alt }: Press): Command | null {
  const letter = key.toLowerCase();
  if (ctrl && !alt) {
    if (letter === "z") return { do: shift ? "redo" : "undo" };
    return letter === "y" && !shift ? { do: "redo" } : null;
  }
  if (ctrl) return null;
  if (key === "Enter" && !(shift && alt)) return { do: "assign", away: alt, ...(shift && { shift }), ...(alt && { alt }) };
  if (alt || shift) return null;
  if (key === "Escape") return { do: "escape" };
  if (key === "Delete") return { do: "assign", away: true };
  if (ARROWS[key]) return { do: "step", direction: ARROWS[key] };
  // By the place of the key, so that it is the same with a Chinese input method.
  if (code === "BracketLeft") return { do: "brush", factor: 1 / BRUSH_STEP };
  if (code === "BracketRight") return { do: "brush", factor: BRUSH_STEP };
  if (letter === "i") return { do: "pick" };
  if (letter === "e") return { do: "take" };
  if (/^[0-9]$/.test(key)) return { do: "digit", digit: key };
  const tool = TOOL_KEYS[letter];
  return tool ? { do: "tool", tool } : null;
}
