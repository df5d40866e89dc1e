/** Which part of which tile boxes touch: each box is looked at once a level, however many tiles there are. */

import type { Box } from "./geometry";

/** More tiles in a row than any level has. */
const ACROSS = 2 ** 26;

/** A tile of a level as one number. */
export const tileKey = (x: number, y: number): number => y * ACROSS + x;

/**
 * For each tile of a level that boxes (four numbers each, in units) touch, one box around all of them, cut to the tile.
 *
 * @param side units a side of a tile
 * @param more units by which every box is widened
 */
export function spreadOverTiles(boxes: ArrayLike<number>, side: number, more = 0): Map<number, Box> {
  const found = new Map<number, Box>();
  let [lastKey, last]: [number, Box | undefined] = [-1, undefined];
  for (let at = 0; at < boxes.length; at += 4) {
    const [x0, y0] = [boxes[at] - more, boxes[at + 1] - more];
    const [x1, y1] = [boxes[at + 2] + more, boxes[at + 3] + more];
    if (x0 > x1 || y0 > y1) continue;
    const [right, bottom] = [Math.floor(x1 / side), Math.floor(y1 / side)];
    for (let y = Math.floor(y0 / side); y <= bottom; y++) {
      for (let x = Math.floor(x0 / side); x <= right; x++) {
        const key = tileKey(x, y);
        if (key !== lastKey || !last) {
          last = found.get(key);
          lastKey = key;
          if (!last) found.set(key, (last = [Infinity, Infinity, -Infinity, -Infinity]));
        }
        if (x0 < last[0]) last[0] = Math.max(x0, x * side);
        if (y0 < last[1]) last[1] = Math.max(y0, y * side);
        if (x1 > last[2]) last[2] = Math.min(x1, (x + 1) * side);
        if (y1 > last[3]) last[3] = Math.min(y1, (y + 1) * side);
      }
    }
  }
  return found;
}
