import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph } from "../src/kernels/adjacency";
import { compactness, streetShare } from "../src/kernels/figures";
import { type Figures, LivePlan } from "../src/kernels/live";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

/** Pieces of the cells for which `inside` holds, each ascending. */
function plainPieces(graph: Graph, inside: (cell: number) => boolean): number[][] {
  const seen = new Uint8Array(graph.n);
  const pieces: number[][] = [];
  for (let first = 0; first < graph.n; first++) {
    if (!inside(first) || seen[first]) continue;
    const piece = [first];
    seen[first] = 1;
    for (const cell of piece) {
      for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
        const other = graph.indices[at];
        if (!inside(other) || seen[other]) continue;
        seen[other] = 1;
        piece.push(other);
      }
    }
    pieces.push(piece.sort((a, b) => a - b));
  }
  return pieces.sort((a, b) => b.length - a.length || a[0] - b[0]);
}

function plainFigures(graph: Graph, gridOf: Int32Array, nGrids: number): Record<keyof Figures, number[]> {
  const zeros = (): number[] => new Array<number>(nGrids).fill(0);
  const figures = { households: zeros(), people: zeros(), cells: zeros(), areaM2: zeros(), perimeterM: zeros() };
  const border = { innerM: zeros(), streetM: zeros(), pieces: zeros() };
  gridOf.forEach((grid, cell) => {
    if (grid < 0) return;
    figures.households[grid] += graph.households[cell];
    figures.people[grid] += graph.population[cell];
    figures.cells[grid]++;
    figures.areaM2[grid] += graph.areaM2[cell];
    figures.perimeterM[grid] += graph.outerM[cell];
    for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
      const other = graph.indices[at];
      if (gridOf[other] === grid) continue;
      figures.perimeterM[grid] += graph.lengthM[at];
      if (graph.areaIx[other] !== graph.areaIx[cell]) continue;
      border.innerM[grid] += graph.lengthM[at];
      if (graph.street[at] > 0) border.streetM[grid] += graph.lengthM[at];
    }
  });
  for (let grid = 0; grid < nGrids; grid++) border.pieces[grid] = plainPieces(graph, (c) => gridOf[c] === grid).length;
  return { ...figures, ...border };
}

function assertTrue(live: LivePlan, note: string): void {
  const plain = plainFigures(live.graph, live.gridOf, live.nGrids);
  for (const name of Object.keys(plain) as (keyof Figures)[])
    assert.deepEqual([...live.figures[name]], plain[name], `${name} ${note}`);
}

/** Cells cut off, found by looking at everything. */
function plainCutOff(graph: Graph, gridOf: Int32Array, cells: number[], target: number): number[] {
  const gone = new Set(cells);
  const cut: number[] = [];
  const touched = new Set(cells.map((cell) => gridOf[cell]).filter((grid) => grid >= 0 && grid !== target));
  for (const grid of touched) {
    const wholeOf = new Map<number, number>();
    plainPieces(graph, (cell) => gridOf[cell] === grid).forEach((piece, i) => piece.forEach((c) => wholeOf.set(c, i)));
    const seen = new Set<number>();
    for (const piece of plainPieces(graph, (cell) => gridOf[cell] === grid && !gone.has(cell))) {
      const whole = wholeOf.get(piece[0]) as number;
      if (seen.has(whole)) cut.push(...piece);
      seen.add(whole);
    }
  }
  return cut.sort((a, b) => a - b);
}

/** A stroke: a clump of cells, sometimes with some strewn ones, with repetitions and in no order. */
function stroke(graph: Graph, random: () => number): number[] {
  const cells = [Math.floor(random() * graph.n)];
  const size = 1 + Math.floor(random() ** 2 * 60);
  while (cells.length < size) {
    const from = cells[Math.floor(random() * cells.length)];
    const degree = graph.indptr[from + 1] - graph.indptr[from];
    const strewn = degree === 0 || random() < 0.03;
    const next = graph.indices[graph.indptr[from] + Math.floor(random() * degree)];
    cells.push(strewn ? Math.floor(random() * graph.n) : next);
  }
  return cells;
}

const TOWNS = [
  { columns: 14, rows: 12, holes: 0, areas: 1, grids: 6 },
  { columns: 24, rows: 16, holes: 0.1, areas: 3, grids: 12 },
  { columns: 22, rows: 20, holes: 0.35, areas: 2, grids: 9 },
  { columns: 30, rows: 20, holes: 0.05, areas: 1, grids: 2 },
];

test("after every random edit the figures are those of a plain count, and undoing all gives the first plan", () => {
  TOWNS.forEach((options, town) => {
    const random = randomFrom(town + 1);
    const graph = makeTown(options, random);
    const live = new LivePlan(graph, growGrids(graph, options.grids, random), options.grids);
    const [first, figures] = [live.gridOf.slice(), structuredClone(live.figures)];
    assertTrue(live, "at the start");
    const deltas = [];
    for (let i = 0; i < 600; i++) {
      if (i % 100 === 50) assert.equal(live.addGrid(), options.grids + Math.floor(i / 100));
      const cells = stroke(graph, random);
      const any = (): number => Math.floor(random() * (live.nGrids + 1)) - 1;
      const delta = live.apply(cells, random() < 0.7 ? any() : cells.map(any));
      deltas.push(delta);
      assert.ok(delta.cells.every((cell, at) => at === 0 || cell > delta.cells[at - 1]));
      assert.ok(delta.before.every((grid, at) => grid !== delta.after[at]));
      assertTrue(live, `after edit ${i} of town ${town}`);
    }
    const [last, lastFigures] = [live.gridOf.slice(), structuredClone(live.figures)];
    for (const delta of [...deltas].reverse()) live.undo(delta);
    assert.deepEqual(live.gridOf, first);
    for (const name of Object.keys(figures) as (keyof Figures)[])
      assert.deepEqual(live.figures[name].slice(0, options.grids), figures[name]);
    for (const delta of deltas) live.redo(delta);
    assert.deepEqual(live.gridOf, last);
    assert.deepEqual(structuredClone(live.figures), lastFigures);
  });
});

test("what a stroke cuts off is what a walk over everything finds, and asking changes nothing", () => {
  TOWNS.forEach((options, town) => {
    const random = randomFrom(town + 50);
    const graph = makeTown(options, random);
    const live = new LivePlan(graph, growGrids(graph, options.grids, random), options.grids);
    let cuts = 0;
    for (let i = 0; i < 500; i++) {
      const cells = stroke(graph, random);
      const target = Math.floor(random() * (live.nGrids + 1)) - 1;
      const before = live.gridOf.slice();
      const found = live.cutOff(cells, target);
      assert.deepEqual(live.gridOf, before);
      assert.deepEqual([...found], plainCutOff(graph, live.gridOf, cells, target), `stroke ${i} of town ${town}`);
      if (found.length > 0) cuts++;
      const pieces = live.cutOffPieces(cells, target);
      assert.deepEqual(pieces.flatMap(({ cells }) => [...cells]).sort((a, b) => a - b), [...found]);
      for (const { grid, cells } of pieces) assert.ok(cells.every((cell) => live.gridOf[cell] === grid));
      const delta = live.apply(cells, target);
      assert.deepEqual(live.cutOffBy(delta), pieces);
      if (random() < 0.6) live.undo(delta);
    }
    assert.ok(cuts > 50);
  });
});

test("walls through a large grid cut off what a walk over everything finds", () => {
  const random = randomFrom(77);
  const [columns, rows] = [110, 70];
  let cuts = 0;
  for (const [holes, block] of [[0, 5], [0.03, 7], [0.15, 10]]) {
    const graph = makeTown({ columns, rows, holes, block }, random);
    const live = new LivePlan(graph, Int32Array.from({ length: graph.n }, () => (random() < 0.002 ? 1 : 0)), 2);
    const column = (cell: number): number => (graph.anchor[2 * cell] - 100000) / 1000;
    const row = (cell: number): number => (graph.anchor[2 * cell + 1] - 100000) / 1000;
    for (let round = 0; round < 15; round++) {
      // A band from the upper edge downwards, through to the lower edge or not quite, and one across.
      const [at, stop, level] = [random() * columns, random() < 0.5 ? rows + 1 : random() * rows, random() * rows];
      const cells = [...live.gridOf.keys()].filter(
        (cell) =>
          (Math.abs(column(cell) - at) < 1.5 && row(cell) < stop) ||
          (round % 3 === 0 && Math.abs(row(cell) - level) < 1.5 && column(cell) > at),
      );
      const found = live.cutOff(cells, 1);
      assert.deepEqual([...found], plainCutOff(graph, live.gridOf, cells, 1), `round ${round}`);
      if (found.length > 500) cuts++;
      const delta = live.apply(cells, 1);
      for (const grid of [0, 1])
        assert.equal(live.figures.pieces[grid], plainPieces(graph, (cell) => live.gridOf[cell] === grid).length);
      if (random() < 0.9) live.undo(delta);
    }
  }
  assert.ok(cuts > 8, `${cuts} cuts`);
});

test("a grid is in pieces where it could be whole, not where its area is in pieces itself", () => {
  const random = randomFrom(9);
  let [forced, needless] = [0, 0];
  for (let round = 0; round < 60; round++) {
    const graph = makeTown({ columns: 12, rows: 10, holes: 0.45, areas: 2 }, random);
    const live = new LivePlan(graph, growGrids(graph, 4, random), 4);
    for (let i = 0; i < 4; i++) {
      const cells = stroke(graph, random);
      const to = live.gridOf[Math.floor(random() * graph.n)];
      const area = to < 0 ? -1 : graph.areaIx[live.cellsOf(to)[0]];
      live.apply(cells.filter((cell) => graph.areaIx[cell] === area), to);
    }
    const islands = [0, 1].flatMap((area) => plainPieces(graph, (cell) => graph.areaIx[cell] === area));
    for (let grid = 0; grid < 4; grid++) {
      const pieces = plainPieces(graph, (cell) => live.gridOf[cell] === grid);
      const partly = pieces.filter((piece) => !islands.some((one) => one.length === piece.length && one[0] === piece[0]));
      assert.equal(live.isInPieces(grid), partly.length > 1);
      if (partly.length > 1) needless++;
      else if (pieces.length > 1) forced++;
    }
  }
  assert.ok(forced > 3 && needless > 30, `${forced} and ${needless}`);
});

test("pieces, cells and neighbours of a grid are listed whole", () => {
  const random = randomFrom(7);
  const graph = makeTown(TOWNS[2], random);
  const live = new LivePlan(graph, growGrids(graph, 9, random), 9);
  for (let i = 0; i < 40; i++) live.apply(stroke(graph, random), Math.floor(random() * 9));
  for (let grid = 0; grid < 9; grid++) {
    const pieces = plainPieces(graph, (cell) => live.gridOf[cell] === grid);
    assert.deepEqual(live.pieceCells(grid).map((piece) => [...piece]), pieces);
    assert.deepEqual([...live.cellsOf(grid)], pieces.flat().sort((a, b) => a - b));
    const border = new Map<number, { lengthM: number; streetM: number }>();
    for (const cell of pieces.flat()) {
      for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
        const other = live.gridOf[graph.indices[at]];
        if (other < 0 || other === grid) continue;
        const sum = border.get(other) ?? { lengthM: 0, streetM: 0 };
        sum.lengthM += graph.lengthM[at];
        if (graph.street[at] > 0) sum.streetM += graph.lengthM[at];
        border.set(other, sum);
      }
    }
    const expected = [...border].sort(([a], [b]) => a - b).map(([other, sum]) => ({ grid: other, ...sum }));
    assert.deepEqual(live.neighbours(grid), expected);
  }
  assert.deepEqual([...live.cellsOf(-1)], [...live.gridOf.keys()].filter((cell) => live.gridOf[cell] < 0));
});

test("a cell or grid that is not there is refused before anything changes", () => {
  const graph = makeTown({ columns: 4, rows: 4 }, randomFrom(3));
  const live = new LivePlan(graph, new Int32Array(16), 1);
  assert.throws(() => live.apply([0, 16], -1), /cell 16 is not one of 16/);
  assert.throws(() => live.apply([0, 1], 1), /grid 1 is not one of 1/);
  assert.throws(() => live.apply([0, 1], [-1, 5]), /grid 5 is not one of 1/);
  assert.throws(() => live.apply([0, 1], [-1]), /not as many as the cells/);
  assert.throws(() => new LivePlan(graph, new Int32Array(15), 1), /15 cells/);
  assert.throws(() => new LivePlan(graph, new Int32Array(16).fill(2), 1), /grid 2/);
  assertTrue(live, "after what was refused");
  assert.equal(live.apply([3, 3, 3], 0).cells.length, 0);
});

test("compactness and street share follow from the figures", () => {
  const graph = makeTown({ columns: 10, rows: 10, block: 5 }, randomFrom(4));
  const live = new LivePlan(graph, Int32Array.from(graph.enclosureIx), 5);
  const circle = { ...live.figures, areaM2: Float64Array.of(Math.PI * 9), perimeterM: Float64Array.of(Math.PI * 6) };
  assert.ok(Math.abs(compactness(circle, 0) - 1) < 1e-12);
  assert.equal(streetShare(live.figures, 0), 1);
  assert.equal(compactness(live.figures, 4), 0);
  assert.equal(streetShare(live.figures, 4), null);
});

test("whether a grid is in pieces is known after every edit as a plain look finds it", () => {
  const random = randomFrom(17);
  const graph = makeTown({ columns: 22, rows: 20, holes: 0.35, areas: 2 }, random);
  const live = new LivePlan(graph, growGrids(graph, 9, random), 9);
  const islands = [0, 1].flatMap((area) => plainPieces(graph, (cell) => graph.areaIx[cell] === area));
  const islandOf = new Map(islands.flatMap((island) => island.map((cell) => [cell, island.length] as const)));
  let found = 0;
  for (let i = 0; i < 300; i++) {
    const delta = live.apply(stroke(graph, random), Math.floor(random() * 10) - 1);
    if (i % 4 > 0) live.undo(delta);
    for (let grid = 0; grid < 9; grid++) {
      const pieces = plainPieces(graph, (cell) => live.gridOf[cell] === grid);
      const partly = pieces.filter((piece) => piece.length < (islandOf.get(piece[0]) as number)).length;
      assert.equal(live.isInPieces(grid), partly > 1);
      found += Number(partly > 1);
    }
  }
  assert.ok(found > 100 && found < 9 * 300);
});

test("an edit of most cells counts as its cells one after the other, and is taken back bit for bit", () => {
  const random = randomFrom(11);
  const graph = makeTown({ columns: 100, rows: 60, holes: 0.05, areas: 2 }, random);
  const live = new LivePlan(graph, growGrids(graph, 12, random), 12);
  const other = new LivePlan(graph, live.gridOf.slice(), 12);
  const [first, figures] = [live.gridOf.slice(), structuredClone(live.figures)];
  const most = Uint32Array.from({ length: graph.n }, (_, cell) => cell).filter(() => random() < 0.9);
  assert.ok(most.length > 4000);
  const goals = [0, -1, 7, Int32Array.from(most, () => Math.floor(random() * 13) - 1)];
  const deltas = goals.map((goal) => {
    const delta = live.apply(most, goal);
    for (let from = 0; from < most.length; from += 500)
      other.apply(most.slice(from, from + 500), typeof goal === "number" ? goal : goal.slice(from, from + 500));
    assert.deepEqual(live.figures, other.figures);
    for (let grid = -1; grid < 12; grid++) assert.deepEqual(live.cellsOf(grid), other.cellsOf(grid));
    return delta;
  });
  assertTrue(live, "after edits of most cells");
  // In another order, and with a cell named twice: the last counts.
  const mixed = [...most].reverse().concat(most[0]);
  deltas.push(live.apply(mixed, mixed.map((_, i) => i % 11)));
  assert.equal(live.gridOf[most[0]], (mixed.length - 1) % 11);
  assertTrue(live, "after an edit of most cells in another order");
  for (const delta of deltas.reverse()) live.undo(delta);
  assert.deepEqual(live.gridOf, first);
  assert.deepEqual(live.figures, figures);
});
