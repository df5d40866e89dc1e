/** How long the kernels of editing take on a lattice of 100,000 cells; prints milliseconds, asserts nothing. */

import type { Graph } from "../src/kernels/adjacency";
import { Beside, colourGrids } from "../src/kernels/colouring";
import { dissolve } from "../src/kernels/dissolve";
import { EditStack } from "../src/kernels/journal";
import { type Delta, LivePlan } from "../src/kernels/live";
import { brush, indexAnchors, lasso } from "../src/kernels/pick";
import { splitByLine } from "../src/kernels/split";
import { makeTown } from "./planar";
import { randomFrom } from "./random";

const STEP = 1000;
const random = randomFrom(1);

const asJson = process.argv.includes("--json");
const rows: Record<string, string | number>[] = [];

function say(words: string): void {
  if (!asJson) console.log(words);
}

function report(what: string, times: number[]): void {
  times.sort((a, b) => a - b);
  const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(3);
  rows.push({ what, kernel_ms: Number(at(0.5)), kernel_p95_ms: Number(at(0.95)) });
  say(`${what.padEnd(64)} median ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)} ms`);
}

function time(what: string, rounds: number, prepare: (round: number) => () => void): void {
  const times: number[] = [];
  for (let round = 0; round < rounds + 20; round++) {
    const work = prepare(round);
    const from = performance.now();
    work();
    if (round >= 20) times.push(performance.now() - from);
  }
  report(what, times);
}

/** Square grids of side by side cells; the first `giant` columns are one grid. */
function squares(graph: Graph, side: number, giant: number): [gridOf: Int32Array, nGrids: number] {
  const across = 1000;
  const gridOf = new Int32Array(graph.n);
  const numbers = new Map<number, number>([[-1, 0]]);
  for (let cell = 0; cell < graph.n; cell++) {
    const column = Math.round((graph.anchor[2 * cell] - 100 * STEP) / STEP);
    const row = Math.round((graph.anchor[2 * cell + 1] - 100 * STEP) / STEP);
    const key = column < giant ? -1 : Math.floor(row / side) * across + Math.floor(column / side);
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    gridOf[cell] = numbers.get(key) as number;
  }
  return [gridOf, numbers.size];
}

function strokes(name: string, graph: Graph, live: LivePlan, spot: () => number): void {
  const index = indexAnchors(graph);
  const radius = STEP * Math.sqrt(200 / Math.PI);
  const clump = (): Uint32Array => {
    const cell = spot();
    return brush(graph, index, graph.anchor[2 * cell], graph.anchor[2 * cell + 1], radius, cell);
  };
  const any = (): number => Math.floor(random() * live.nGrids);
  time(`${name}: brush of 200 cells picked`, 300, () => () => void clump());
  time(`${name}: brush of 200 cells applied, figures and pieces`, 300, () => {
    const cells = clump();
    const to = any();
    return () => void live.apply(cells, to);
  });
  time(`${name}: what a brush of 200 cells cuts off`, 300, () => {
    const cells = clump();
    const to = any();
    return () => void live.cutOff(cells, to);
  });
}

const graph = makeTown({ columns: 400, rows: 250, block: 8 }, random);
say(`${graph.n} cells, ${graph.indices.length / 2} links, Node ${process.version}`);
const [gridOf, nGrids] = squares(graph, 10, -1);
time("live plan made from nothing", 10, () => () => void new LivePlan(graph, gridOf.slice(), nGrids));
time("index of anchors made", 10, () => () => void indexAnchors(graph));
strokes(`${nGrids} grids`, graph, new LivePlan(graph, gridOf.slice(), nGrids), () => Math.floor(random() * graph.n));

const [mixed, nMixed] = squares(graph, 10, 200);
const fresh = (): LivePlan => new LivePlan(graph, mixed.slice(), nMixed);
const inGiant = (): number => Math.floor(random() * 250) * 400 + 20 + Math.floor(random() * 160);
strokes("a grid of 50,000 cells", graph, fresh(), inGiant);
const wall = (column: number, from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => (from + i) * 400 + column);
const across = fresh();
time("a grid of 50,000 cells: a wall across it, cut in two", 40, () => () => void across.cutOff(wall(100, 0, 250), -1));
time("a grid of 50,000 cells: a wall with a gap at its end", 40, () => () => void across.cutOff(wall(100, 0, 249), -1));
time("a grid of 50,000 cells: a wall across it, applied", 40, () => {
  const live = fresh();
  return () => void live.apply(wall(100, 0, 250), -1);
});

const index = indexAnchors(graph);
const circle = (points: number, share: number): number[] =>
  Array.from({ length: 2 * points }, (_, i) => {
    const angle = (Math.PI * (i - (i % 2))) / points;
    return i % 2 === 0 ? (300 + 200 * share * Math.cos(angle)) * STEP : (225 + 125 * share * Math.sin(angle)) * STEP;
  });
const [all, most] = [circle(400, 1.5), circle(400, 0.95)];
time(`lasso of all cells, 400 corners (${lasso(graph, index, all).length})`, 60, () => () => void lasso(graph, index, all));
time(`lasso, 400 corners (${lasso(graph, index, most).length})`, 60, () => () => void lasso(graph, index, most));

for (const side of [10, 32, 100]) {
  const live = new LivePlan(graph, ...squares(graph, side, -1));
  time(`split preview in a grid of ${side * side} cells, line of 100 points`, 100, () => {
    const grid = live.gridOf[Math.floor(random() * 200) * 400 + Math.floor(random() * 300)];
    const [cell] = live.pieceCells(grid)[0];
    const [x, y] = [graph.anchor[2 * cell], graph.anchor[2 * cell + 1] + side * STEP * (0.3 + 0.4 * random())];
    const line = Array.from({ length: 200 }, (_, i) =>
      i % 2 === 0 ? x + (i / 200) * side * STEP : y + Math.sin(i / 9) * STEP + random() * 300,
    );
    return () => void splitByLine(graph, live, grid, line);
  });
}

const plan = new LivePlan(graph, gridOf.slice(), nGrids);
const journal = new EditStack<Delta & { key: string; kind: string; changes: unknown[]; undoesKey: null }>();
let strokeCells = 0;
const key = "0b9f7a6e-5d1c-4a57-9c3e-6f2f6f0d8a11";
for (let i = 0; i < 10000; i++) {
  const cell = Math.floor(random() * graph.n);
  const [x, y] = [graph.anchor[2 * cell], graph.anchor[2 * cell + 1]];
  const delta = plan.apply(brush(graph, index, x, y, STEP * 8), Math.floor(random() * nGrids));
  strokeCells += delta.cells.length;
  journal.push({ key, kind: "paint", ...delta, changes: [], undoesKey: null });
}
const megabytes = (journal.byteLength / 1e6).toFixed(1);
rows.push({ what: "10,000 strokes of undo", megabytes: Number(megabytes) });
say(`journal of 10,000 strokes, ${(strokeCells / 10000).toFixed(0)} cells each: ${megabytes} MB in memory`);
time("journal: one stroke read back", 200, (round) => () => void journal.at(round * 40));
const whole = new LivePlan(graph, gridOf.slice(), nGrids);
const beside = new Beside(whole);
time(`which of ${nGrids} grids touch`, 20, () => () => void new Beside(whole));
time(`colours of ${nGrids} grids`, 20, () => () => void colourGrids(beside.rows, new Array<null>(nGrids).fill(null)));
time("a grid of 100 cells dissolved", 200, (round) => () => void dissolve(graph, whole, 1 + round, 500));
const everything = Uint32Array.from({ length: graph.n }, (_, cell) => cell);
time("all cells into one grid", 40, () => {
  const live = new LivePlan(graph, gridOf.slice(), nGrids);
  return () => void live.apply(everything, 5);
});
if (asJson) console.log(JSON.stringify(rows));
