import assert from "node:assert/strict";
import { test } from "node:test";
import { Beside, COLOURS, colourGrids, NO_COLOUR } from "../src/kernels/colouring";
import { LivePlan } from "../src/kernels/live";
import { brush, indexAnchors } from "../src/kernels/pick";
import examples from "./colouring.json";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

const none = (count: number): null[] => new Array<null>(count).fill(null);

function assertDiffer(live: LivePlan, colours: Uint8Array): void {
  for (let grid = 0; grid < live.nGrids; grid++) {
    assert.ok(colours[grid] < COLOURS);
    for (const { grid: other } of live.neighbours(grid)) assert.notEqual(colours[grid], colours[other]);
  }
}

test("the colours are those that the server gives", () => {
  for (const { numbers, pairs, chosen, colours } of examples) {
    const count = numbers[numbers.length - 1] + 1;
    const rows: number[][] = Array.from({ length: count }, () => []);
    for (const [one, other] of pairs) {
      rows[numbers[one]].push(numbers[other]);
      rows[numbers[other]].push(numbers[one]);
    }
    for (const row of rows) row.sort((a, b) => a - b);
    const byHand: (number | null)[] = new Array<number>(count).fill(NO_COLOUR);
    numbers.forEach((number, at) => (byHand[number] = chosen[at]));
    const found = colourGrids(rows, byHand);
    assert.deepEqual(numbers.map((number) => found[number]), colours);
  }
});

test("grids that touch differ, and all eight colours are used", () => {
  const random = randomFrom(41);
  for (let round = 0; round < 12; round++) {
    const graph = makeTown({ columns: 40, rows: 40, holes: 0.05 * (round % 3), areas: 2 }, random);
    const live = new LivePlan(graph, growGrids(graph, 70, random), 71);
    const colours = colourGrids(new Beside(live).rows, none(71));
    assertDiffer(live, colours);
    assert.equal(new Set(colours).size, COLOURS);
  }
});

test("after every stroke the colours are those of the plan made anew, and few have changed", () => {
  const random = randomFrom(43);
  const graph = makeTown({ columns: 60, rows: 40, holes: 0.05 }, random);
  const live = new LivePlan(graph, growGrids(graph, 80, random), 80);
  const index = indexAnchors(graph);
  const beside = new Beside(live);
  let colours = colourGrids(beside.rows, none(80));
  let changes = 0;
  for (let i = 0; i < 400; i++) {
    if (i % 50 === 49) live.addGrid();
    const cell = Math.floor(random() * graph.n);
    const near = live.neighbours(Math.max(0, live.gridOf[cell]));
    const to = i % 50 === 49 ? live.nGrids - 1 : (near[0]?.grid ?? 0);
    const delta = live.apply(brush(graph, index, graph.anchor[2 * cell], graph.anchor[2 * cell + 1], 3000), to);
    beside.renew(live, new Set([...delta.before, ...delta.after].filter((grid) => grid >= 0)));
    assert.deepEqual(beside.rows, new Beside(live).rows);
    const now = colourGrids(beside.rows, none(live.nGrids));
    assertDiffer(live, now);
    changes += colours.filter((colour, grid) => colour !== now[grid]).length;
    colours = now;
  }
  assert.ok(changes < 400, `${changes} changes in 400 strokes`);
});
