import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS, colourGrids, mendColours, NO_COLOUR } from "../src/kernels/colouring";
import { LivePlan } from "../src/kernels/live";
import { brush, indexAnchors } from "../src/kernels/pick";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

function assertDiffer(live: LivePlan, colours: Uint8Array): void {
  for (let grid = 0; grid < live.nGrids; grid++) {
    assert.ok(colours[grid] < COLOURS);
    for (const { grid: other } of live.neighbours(grid)) assert.notEqual(colours[grid], colours[other]);
  }
}

test("grids that touch differ, the same plan gets the same colours, and all eight are used", () => {
  const random = randomFrom(41);
  for (let round = 0; round < 12; round++) {
    const graph = makeTown({ columns: 40, rows: 40, holes: 0.05 * (round % 3), areas: 2 }, random);
    const live = new LivePlan(graph, growGrids(graph, 70, random), 71);
    const colours = colourGrids(graph, live);
    assertDiffer(live, colours);
    assert.deepEqual(colourGrids(graph, live), colours);
    assert.deepEqual(colourGrids(graph, live, colours), colours);
    assert.equal(new Set(colours).size, COLOURS);
  }
});

test("present colours stay where they do not collide", () => {
  const random = randomFrom(42);
  const graph = makeTown({ columns: 40, rows: 40 }, random);
  const live = new LivePlan(graph, growGrids(graph, 60, random), 60);
  const present = colourGrids(graph, live);
  const collide = live.neighbours(7)[0].grid;
  const spoilt = Array.from(present);
  spoilt[7] = spoilt[collide];
  spoilt[20] = NO_COLOUR;
  spoilt.length = 59;
  const mended = colourGrids(graph, live, spoilt);
  assertDiffer(live, mended);
  const changed = [...mended.keys()].filter((grid) => mended[grid] !== present[grid]);
  assert.ok(changed.every((grid) => [7, 20, 59, collide, ...live.neighbours(7).map((n) => n.grid)].includes(grid)));
  assert.ok(changed.length <= 5);
});

test("after every stroke the colours are mended with few changes", () => {
  const random = randomFrom(43);
  const graph = makeTown({ columns: 60, rows: 40, holes: 0.05 }, random);
  const live = new LivePlan(graph, growGrids(graph, 80, random), 80);
  const index = indexAnchors(graph);
  let colours = colourGrids(graph, live);
  let changes = 0;
  for (let i = 0; i < 400; i++) {
    if (i % 50 === 49) {
      const longer = new Uint8Array(live.addGrid() + 1).fill(NO_COLOUR);
      longer.set(colours);
      colours = longer;
    }
    const cell = Math.floor(random() * graph.n);
    const beside = live.neighbours(Math.max(0, live.gridOf[cell]));
    const to = i % 50 === 49 ? live.nGrids - 1 : (beside[0]?.grid ?? 0);
    const delta = live.apply(brush(graph, index, graph.anchor[2 * cell], graph.anchor[2 * cell + 1], 3000), to);
    const before = colours.slice();
    const touched = [...delta.before, ...delta.after].filter((grid) => grid >= 0);
    const changed = mendColours(graph, live, colours, touched);
    assert.deepEqual(changed, [...colours.keys()].filter((grid) => colours[grid] !== before[grid]));
    assertDiffer(live, colours);
    changes += changed.length;
  }
  assert.ok(changes < 200, `${changes} changes in 400 strokes`);
});
