/** Edits that stand behind one key or button: merge, dissolve, new, split, lock. Each is one call of `perform`. */

import type { Change } from "../api/edits";
import type { Key } from "../i18n";
import { shortCode } from "../kernels/codes";
import { dissolve } from "../kernels/dissolve";
import { takersOf } from "./cutoff";
import { hasLevels } from "./editing-rules";
import type { Edit, EditSession } from "./edit";
import type { State } from "./state";

export interface Commands {
  /** Join two grids; the one with more households keeps its code. Says why where they cannot be joined. */
  merge(a: number, b: number): Edit | null;
  /** Give all cells of a grid to its neighbours and retire it. */
  dissolve(grid: number): Edit | null;
  /** Make a grid of these cells; those of another boundary polygon than most of them are left out. */
  newGrid(cells: ArrayLike<number>): Edit | null;
  /** Part a grid; the half with more households keeps the code. */
  split(grid: number, left: Uint32Array, right: Uint32Array): Edit | null;
  lockGrid(grid: number, on: boolean): Edit | null;
  lockAll(on: boolean): Edit | null;
  lockCells(cells: ArrayLike<number>, on: boolean): Edit | null;
  lockBorder(a: number, b: number, on: boolean): Edit | null;
}

export function createCommands(state: State, session: EditSession): Commands {
  const refuse = (key: Key): null => {
    session.say(key, {}, true);
    return null;
  };

  const households = (cells: ArrayLike<number>): number => {
    const counts = session.ground?.graph.households;
    let sum = 0;
    for (let i = 0; i < cells.length; i++) sum += counts?.[cells[i]] ?? 0;
    return sum;
  };

  // The part of the level above, or the boundary polygon, that a grid of these cells lies in.
  const partOf = (cells: ArrayLike<number>): string => {
    const { ground, live, book } = session;
    if (!ground || !live || !book) return "";
    const area = [...ground.areas].find(([, ix]) => ix === ground.graph.areaIx[cells[0]])?.[0] ?? "";
    if (!hasLevels(ground)) return area;
    const own = Array.from(cells).find((cell) => live.gridOf[cell] >= 0);
    const [beside] = takersOf(ground.graph, live.gridOf, cells);
    const grid = own === undefined ? beside : live.gridOf[own];
    return grid === undefined ? area : book.boundaryOf(grid) || area;
  };

  const create = (kind: string, cells: ArrayLike<number>): Edit | null => {
    const { live, book } = session;
    if (!live || !book || cells.length === 0) return null;
    const boundary = partOf(cells);
    const grid = live.nGrids;
    const birth = { path: `grid/${grid}`, value: { code: book.nextCode(boundary), boundary_code: boundary } };
    const edit = session.perform(kind, cells, grid, [birth]);
    if (!edit) return null;
    state.selected.value = grid;
    const { code, households: count } = state.grids.peek()[grid];
    session.say("edit.made", { code: shortCode(code), count });
    return edit;
  };

  const retire = (grid: number): Change[] => {
    const changes: Change[] = [];
    for (const path of session.attributes.keys()) if (path.startsWith(`grid/${grid}/`)) changes.push({ path, value: null });
    return [...changes, { path: `grid/${grid}`, value: null }];
  };

  return {
    merge(a, b) {
      const { live, book } = session;
      if (!live || !book || a === b) return null;
      if (book.boundaryOf(a) !== book.boundaryOf(b)) return refuse("edit.mergeForeign");
      if (!live.neighbours(a).some(({ grid }) => grid === b)) return refuse("edit.mergeApart");
      const { households: counts } = live.figures;
      const [keep, gone] = counts[a] >= counts[b] ? [a, b] : [b, a];
      const code = book.grid(gone).code;
      const edit = session.perform("merge", live.cellsOf(gone), keep, retire(gone));
      if (!edit) return null;
      state.selected.value = keep;
      session.say("edit.merged", { gone: shortCode(code), code: shortCode(book.grid(keep).code), count: counts[keep] });
      return edit;
    },
    dissolve(grid) {
      const { live, book, ground } = session;
      if (!live || !book || !ground) return null;
      const code = book.grid(grid).code;
      const [, max] = state.bounds.peek();
      const { cells, grids, left } = dissolve(
        ground.graph,
        live,
        grid,
        max,
        (_, to) => !book.lockedGrids.has(to) && book.boundaryOf(to) === book.boundaryOf(grid),
      );
      const nowhere = Array.from(left, () => -1);
      const edit = session.perform("dissolve", [...cells, ...left], [...grids, ...nowhere], retire(grid));
      if (!edit) return null;
      if (state.selected.peek() === grid) state.selected.value = null;
      session.say("edit.dissolved", { code: shortCode(code) });
      return edit;
    },
    newGrid(cells) {
      const { ground } = session;
      if (!ground || cells.length === 0) return null;
      // A grid lies in one boundary polygon, and in one part of the level above: the one that most of the cells are in.
      const levels = hasLevels(ground);
      const partOfCell = (cell: number): string => {
        const grid = ground.gridOf[cell];
        return `${ground.graph.areaIx[cell]}/${levels && grid >= 0 ? session.book?.boundaryOf(grid) : ""}`;
      };
      const parts = new Map<string, number>();
      for (let i = 0; i < cells.length; i++) parts.set(partOfCell(cells[i]), (parts.get(partOfCell(cells[i])) ?? 0) + 1);
      const [most] = [...parts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
      return create("new", Array.from(cells).filter((cell) => partOfCell(cell) === most));
    },
    split: (_grid, left, right) => create("split", households(left) < households(right) ? left : right),
    lockGrid: (grid, on) => session.change("lock", [{ path: `grid/${grid}/locked`, value: on ? true : null }]),
    lockAll(on) {
      const changes = state.grids.peek().flatMap((grid, ix) =>
        grid.retired ? [] : [{ path: `grid/${ix}/locked`, value: on ? true : null }],
      );
      return session.change("lock", changes);
    },
    lockCells: (cells, on) =>
      session.change(
        "lock",
        Array.from(cells, (cell) => ({ path: `lock/cell/${cell}`, value: on ? true : null })),
      ),
    lockBorder: (a, b, on) =>
      session.change("lock", [
        { path: `lock/border/${Math.min(a, b)}/${Math.max(a, b)}`, value: on ? true : null },
      ]),
  };
}
