/** Keys of the tools for base data, and their order. */

import type { BaseTool } from "./base";

export const BASE_KEYS: Readonly<Record<string, BaseTool>> = {
  v: "look",
  b: "building",
  m: "move",
  x: "retire",
  s: "street",
  w: "barrier",
  o: "gate",
};
