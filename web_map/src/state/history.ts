/** What was done to a plan: the list that people read, and the steps that this browser may take back. Pure functions. */

import type { Change, ServerEdit } from "../api/edits";
import type { Delta } from "../kernels/live";
import type { Edit } from "./edit";
import { plainList, type Unsent } from "./outbox";

/** Key of an edit that is known by its revision only; sync turns it back. */
export const keyOfRevision = (revision: number): string => `revision:${revision}`;
export const revisionOfKey = (key: string): number | null => {
  const match = /^revision:(\d+)$/.exec(key);
  return match ? Number(match[1]) : null;
};

/** An edit as the session has it, out of the outbox. */
export function editOfUnsent(entry: Unsent): Edit {
  return {
    key: entry.key,
    kind: entry.kind,
    ...ascending(entry.cells, entry.before, entry.grids),
    changes: entry.changes as Edit["changes"],
    undoesKey: entry.undoesKey ?? (entry.undoes === null ? null : keyOfRevision(entry.undoes)),
  };
}

/** The cells of an edit in ascending order, each once: those of before a change of base data have other numbers now, and two may be one. */
function ascending(cells: readonly number[], before: readonly number[], after: readonly number[]): Delta {
  let order = cells.map((_, i) => i);
  if (cells.some((cell, i) => i > 0 && cell <= cells[i - 1])) {
    order.sort((a, b) => cells[a] - cells[b]);
    order = order.filter((at, i) => i === 0 || cells[at] !== cells[order[i - 1]]);
  }
  return {
    cells: Uint32Array.from(order, (i) => cells[i]),
    before: Int32Array.from(order, (i) => before[i]),
    after: Int32Array.from(order, (i) => after[i]),
  };
}

/** An edit as the session has it, out of the server's log; null where the log does not say what was there before. */
export function editOfServer(edit: ServerEdit): Edit | null {
  const { cells = [], grids = [], before = [] } = edit;
  if (cells.length !== grids.length || cells.length !== before.length) return null;
  if (edit.changes.some((change) => change.before === undefined)) return null;
  return {
    key: keyOfRevision(edit.revision),
    kind: edit.kind,
    ...ascending(cells, before, grids),
    changes: edit.changes as Edit["changes"],
    undoesKey: edit.undoes === null ? null : keyOfRevision(edit.undoes),
  };
}

/** What this browser may take back and do again: its edits out of the log, and those that the server does not have. */
export function stepsOf(
  log: readonly ServerEdit[],
  mine: ReadonlySet<number>,
  unsent: readonly Unsent[],
): { done: Edit[]; undone: Edit[] } {
  const keys = new Set(unsent.map(({ key }) => key));
  const old = baseSteps(log, mine).filter((each) => mine.has(each.revision) && !(each.key && keys.has(each.key)));
  const known = old.map(editOfServer).filter((each) => each !== null);
  return stacksOf([...known, ...unsent.map(editOfUnsent)]);
}

const isBase = (edit: ServerEdit): boolean => edit.changes.some(({ path }) => path === "base");

/**
 * The log as steps that can be taken back: of changes of base data only that they were made. One that takes an undo back
 * does it again; what somebody else took back is none of our steps any more.
 */
export function baseSteps(log: readonly ServerEdit[], mine: ReadonlySet<number>): ServerEdit[] {
  const undone = new Set<number>();
  return log
    .filter((edit) => !isBase(edit) || edit.undone_by === null || mine.has(edit.undone_by))
    .map((edit) => {
      if (!isBase(edit)) return edit;
      const again = edit.undoes !== null && undone.has(edit.undoes);
      if (edit.undoes !== null && !again) undone.add(edit.revision);
      const kind = edit.undoes === null ? "base" : again ? "redo" : "undo";
      return { ...edit, kind, changes: [{ path: "base", value: null, before: null }] };
    });
}

/**
 * The steps that can be taken back, and those that can be done again, out of all edits in their order: an undo takes
 * its edit from the first to the second, a redo the other way, any other edit forgets the second.
 */
export function stacksOf(edits: readonly Edit[]): { done: Edit[]; undone: Edit[] } {
  const done: Edit[] = [];
  let undone: Edit[] = [];
  for (const edit of edits) {
    const from = edit.kind === "undo" ? done : edit.kind === "redo" ? undone : null;
    if (!from) {
      done.push(edit);
      undone = [];
      continue;
    }
    if (from.length === 0) continue;
    const named = from.map(({ key }) => key).lastIndexOf(edit.undoesKey ?? "");
    const at = named >= 0 ? named : from.length - 1;
    const [original] = from.splice(at, 1);
    (from === done ? undone : done).push({ ...edit, kind: original.kind });
  }
  return { done, undone };
}

/** What an unsent entry needs of a finished edit. */
export function unsentOf(
  edit: Edit,
  place: { plan: string; client: string; order: number; revision: number; at: number },
  revisionOf: (key: string) => number | null,
): Unsent {
  const undoes = edit.undoesKey === null ? null : (revisionOfKey(edit.undoesKey) ?? revisionOf(edit.undoesKey));
  return {
    ...place,
    key: edit.key,
    kind: edit.kind,
    cells: plainList(edit.cells),
    grids: plainList(edit.after),
    before: plainList(edit.before),
    changes: edit.changes.map(({ path, value, before }) => ({ path, value, before })),
    undoes,
    undoesKey: undoes === null ? edit.undoesKey : null,
  };
}

/** One line of the history list. */
export interface HistoryRow {
  /** Point to return to: the plan as it was right after these edits. */
  revision: number;
  at: string;
  who: string;
  /** Whether it was done in this browser. */
  mine: boolean;
  kind: string;
  /** Kind of the edit that this one took back or did again; null for others, and where that is not in the list. */
  of: string | null;
  /** Edits of the same kind in a row are one line. */
  edits: number;
  cells: number;
  changes: Change[];
  /** Whether all of it was taken back later. */
  undone: boolean;
}

const TOGETHER_MS = 120_000;

// An undo of a redo of an undo of a stroke is about the stroke; one that takes an undo back does the stroke again.
function kindBehind(edit: ServerEdit, byRevision: ReadonlyMap<number, ServerEdit>): { kind: string; of: string | null } {
  let behind: ServerEdit | undefined = edit;
  let turns = 0;
  for (; behind && behind.undoes !== null && behind.undoes < behind.revision; turns++) behind = byRevision.get(behind.undoes);
  if (behind === edit || !behind) return { kind: edit.kind, of: null };
  return { kind: edit.kind === "undo" && turns % 2 === 0 ? "redo" : edit.kind, of: behind.kind };
}

/** Locking and freeing are one kind of edit; told apart where all of it is one or the other. */
function lockKind(kind: string, changes: readonly Change[]): string {
  if (kind !== "lock" || changes.length === 0) return kind;
  const freed = changes.filter(({ value }) => value === null).length;
  return freed === 0 ? "locked" : freed === changes.length ? "freed" : kind;
}

/** Lines, newest first; strokes of one person in one go are one line. */
export function historyRows(edits: readonly ServerEdit[], ours: ReadonlySet<number> = new Set()): HistoryRow[] {
  const rows: HistoryRow[] = [];
  const byRevision = new Map(edits.map((edit) => [edit.revision, edit]));
  for (const edit of edits) {
    const { kind: turned, of } = kindBehind(edit, byRevision);
    const kind = lockKind(turned, edit.changes);
    const last = rows[rows.length - 1];
    const undone = edit.undone_by !== null && edit.undone_by !== undefined;
    const mine = ours.has(edit.revision);
    const joins =
      last &&
      last.mine === mine &&
      edit.changes.length === 0 &&
      last.changes.length === 0 &&
      last.kind === kind &&
      last.of === of &&
      last.who === edit.who &&
      last.undone === undone &&
      Date.parse(edit.at) - Date.parse(last.at) < TOGETHER_MS;
    if (joins) Object.assign(last, { revision: edit.revision, at: edit.at, edits: last.edits + 1, cells: last.cells + edit.n_cells });
    else
      rows.push({
        revision: edit.revision,
        at: edit.at,
        who: edit.who,
        mine,
        kind,
        of,
        edits: 1,
        cells: edit.n_cells,
        changes: edit.changes.map(({ path, value }) => ({ path, value })),
        undone,
      });
  }
  return rows.reverse();
}
