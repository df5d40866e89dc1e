/** Which features may touch a box: a uniform grid of buckets in CSR form. Building and asking are linear. */

import type { Box } from "./geometry";

export interface BoxIndex {
  boxes: Int32Array;
  x0: number;
  y0: number;
  step: number;
  columns: number;
  rows: number;
  start: Uint32Array;
  items: Uint32Array;
  stamp: Uint32Array;
  turn: number;
}

const PER_BUCKET = 4;

/** Index boxes (four numbers each); inside-out boxes are left out. */
export function buildBoxIndex(boxes: Int32Array): BoxIndex {
  const count = boxes.length / 4;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < boxes.length; at += 4) {
    if (boxes[at] > boxes[at + 2]) continue;
    x0 = Math.min(x0, boxes[at]);
    y0 = Math.min(y0, boxes[at + 1]);
    x1 = Math.max(x1, boxes[at + 2]);
    y1 = Math.max(y1, boxes[at + 3]);
  }
  if (x0 > x1) [x0, y0, x1, y1] = [0, 0, 0, 0];
  const area = (x1 - x0 + 1) * (y1 - y0 + 1);
  const step = Math.max(1, Math.sqrt((area * PER_BUCKET) / Math.max(1, count)), (x1 - x0) / 2000, (y1 - y0) / 2000);
  const columns = Math.floor((x1 - x0) / step) + 1;
  const rows = Math.floor((y1 - y0) / step) + 1;
  const start = new Uint32Array(columns * rows + 1);
  const visit = (each: (bucket: number, item: number) => void): void => {
    for (let i = 0; i < count; i++) {
      if (boxes[4 * i] > boxes[4 * i + 2]) continue;
      const c1 = Math.floor((boxes[4 * i + 2] - x0) / step);
      const r1 = Math.floor((boxes[4 * i + 3] - y0) / step);
      for (let r = Math.floor((boxes[4 * i + 1] - y0) / step); r <= r1; r++)
        for (let c = Math.floor((boxes[4 * i] - x0) / step); c <= c1; c++) each(r * columns + c, i);
    }
  };
  visit((bucket) => start[bucket + 1]++);
  for (let b = 0; b < columns * rows; b++) start[b + 1] += start[b];
  const items = new Uint32Array(start[columns * rows]);
  const next = start.slice();
  visit((bucket, i) => (items[next[bucket]++] = i));
  return { boxes, x0, y0, step, columns, rows, start, items, stamp: new Uint32Array(count), turn: 0 };
}

/** Features whose boxes meet `box`, in ascending order, each once. */
export function queryBoxIndex(index: BoxIndex, box: Box): number[] {
  const { boxes, x0, y0, step, columns, rows, start, items, stamp } = index;
  const turn = ++index.turn;
  const found: number[] = [];
  const c0 = Math.max(0, Math.floor((box[0] - x0) / step));
  const c1 = Math.min(columns - 1, Math.floor((box[2] - x0) / step));
  const r1 = Math.min(rows - 1, Math.floor((box[3] - y0) / step));
  for (let r = Math.max(0, Math.floor((box[1] - y0) / step)); r <= r1; r++) {
    for (let c = c0; c <= c1; c++) {
      for (let at = start[r * columns + c]; at < start[r * columns + c + 1]; at++) {
        const i = items[at];
        if (stamp[i] === turn) continue;
        stamp[i] = turn;
        const b = 4 * i;
        if (boxes[b] <= box[2] && boxes[b + 2] >= box[0] && boxes[b + 1] <= box[3] && boxes[b + 3] >= box[1]) found.push(i);
      }
    }
  }
  return found.sort((a, b) => a - b);
}
