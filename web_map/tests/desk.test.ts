import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEdit } from "../src/api/edits";
import { type Line, listen } from "../src/api/events";
import { createAsk } from "../src/api/request";
import { createEditing } from "../src/api/edits";
import { formatTime } from "../src/i18n";
import { checksOf, countsOf } from "../src/state/checks";
import { numberingChanges } from "../src/state/desknumber";
import { editOfServer, editOfUnsent, historyRows, keyOfRevision, revisionOfKey, stacksOf, unsentOf } from "../src/state/history";
import { liveTotals, rowFigures } from "../src/state/livetable";
import { createOutbox, type Unsent } from "../src/state/outbox";
import { openPages } from "../src/state/syncpages";
import { openDraft } from "./draft";

function logged(revision: number, kind: string, more: Partial<ServerEdit> = {}): ServerEdit {
  return {
    revision,
    at: new Date(Date.UTC(2026, 0, 1, 8, revision)).toISOString(),
    who: "Li",
    kind,
    n_cells: 2,
    undoes: null,
    undone_by: null,
    changes: [],
    cells: [1, 2],
    grids: [3, 3],
    before: [0, 1],
    ...more,
  };
}

test("steps to take back come out of the log: undo and redo move them, a new edit forgets what was undone", () => {
  const log = [
    logged(1, "paint"),
    logged(2, "merge"),
    logged(3, "undo", { undoes: 2 }),
    logged(4, "undo", { undoes: 1 }),
    logged(5, "redo", { undoes: 4 }),
  ].map((edit) => editOfServer(edit) as NonNullable<ReturnType<typeof editOfServer>>);
  const keys = (list: { key: string }[]): (number | null)[] => list.map(({ key }) => revisionOfKey(key));
  const { done, undone } = stacksOf(log);
  assert.deepEqual(keys(done), [5]);
  assert.deepEqual(keys(undone), [3]);
  assert.deepEqual([done[0].kind, undone[0].kind], ["paint", "merge"]);
  const after = stacksOf([...log, { ...log[0], key: "new" }]);
  assert.equal(after.done.length, 2);
  assert.deepEqual(after.undone, []);
});

test("cells that have other numbers since the ground was cut anew ascend in every step, each once", () => {
  const edit = editOfServer(logged(4, "paint", { cells: [5, 9, 8, 5], grids: [1, 2, 3, 1], before: [4, 5, 6, 7] }));
  assert.deepEqual([[...edit!.cells], [...edit!.after], [...edit!.before]], [[5, 8, 9], [1, 3, 2], [4, 6, 5]]);
  const entry = unsentOf(edit!, { plan: "p", client: "c", order: 1, revision: 0, at: 2 }, () => null);
  assert.deepEqual([...editOfUnsent({ ...entry, cells: [9, 5, 8] }).cells], [5, 8, 9]);
});

test("an edit goes into the outbox and comes back the same", () => {
  const edit = editOfServer(logged(7, "name", { undoes: 4, changes: [{ path: "grid/1/name", value: "a", before: null }] }));
  assert.ok(edit);
  const entry = unsentOf(edit, { plan: "p", client: "c", order: 1, revision: 0, at: 2 }, () => null);
  assert.deepEqual([entry.undoes, entry.undoesKey], [4, null]);
  assert.deepEqual(editOfUnsent(entry), edit);
  const own = unsentOf({ ...edit, undoesKey: "k" }, { plan: "p", client: "c", order: 1, revision: 0, at: 2 }, () => null);
  assert.deepEqual([own.undoes, own.undoesKey], [null, "k"]);
  assert.equal(unsentOf({ ...edit, undoesKey: "k" }, { plan: "p", client: "c", order: 1, revision: 0, at: 2 }, () => 9).undoes, 9);
  assert.equal(editOfServer(logged(1, "paint", { before: [] })), null);
  assert.equal(keyOfRevision(12), "revision:12");
});

test("the history joins strokes made in one go, keeps people and undone ones apart, newest first", () => {
  const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 8, minute)).toISOString();
  const rows = historyRows(
    [
      logged(1, "paint", { at: at(0) }),
      logged(2, "paint", { at: at(1) }),
      logged(3, "paint", { at: at(1), who: "Wang" }),
      logged(4, "paint", { at: at(30), who: "Wang" }),
      logged(5, "paint", { at: at(30), who: "Wang", undone_by: 6 }),
      logged(6, "undo", { at: at(31), who: "Wang", undoes: 5 }),
    ],
    new Set([6]),
  );
  assert.deepEqual(rows.map((row) => [row.revision, row.edits, row.cells]), [[6, 1, 2], [5, 1, 2], [4, 1, 2], [3, 1, 2], [2, 2, 4]]);
  assert.deepEqual(rows.map((row) => row.mine), [true, false, false, false, false]);
  assert.equal(rows[1].undone, true);
});

const grid = (ix: number, more = {}) => ({
  ix, code: `00${ix}`, name: `g${ix}`, boundaryCode: "b", colour: 0, locked: false, retired: false, staff: [{}] as never[], ...more,
});

test("the check list: what is never published first, then the worst", () => {
  const figures = {
    households: Float64Array.of(620, 290, 510, 400, 0),
    cells: Int32Array.of(4, 3, 2, 2, 0),
    pieces: Int32Array.of(1, 2, 1, 1, 0),
  };
  const grids = [grid(0), grid(1), grid(2, { name: null }), grid(3, { staff: [] }), grid(4, { retired: true })];
  const found = checksOf({ figures, isInPieces: (ix) => figures.pieces[ix] > 1 }, grids, 14, [300, 500]);
  assert.deepEqual(found.map(({ kind, grid: ix, amount }) => [kind, ix, amount]), [
    ["unassigned", null, 3],
    ["in_pieces", 1, 2],
    ["out_of_bounds", 0, 120],
    ["out_of_bounds", 2, 10],
    ["out_of_bounds", 1, -10],
    ["unnamed", 2, 0],
    ["without_staff", 3, 0],
  ]);
  assert.deepEqual([...countsOf(found)], [["unassigned", 3], ["in_pieces", 1], ["out_of_bounds", 3], ["unnamed", 1], ["without_staff", 1]]);
  assert.deepEqual(checksOf({ figures: { households: Float64Array.of(400), cells: Int32Array.of(4), pieces: Int32Array.of(1) }, isInPieces: () => false }, [grid(0)], 4, [300, 500]), []);
});

test("figures of a row and of all", () => {
  const figures = {
    households: Float64Array.of(400, 200), people: Float64Array.of(1000, 500), cells: Int32Array.of(4, 2), areaM2: Float64Array.of(100, 0),
    perimeterM: Float64Array.of(40, 0), innerM: Float64Array.of(20, 0), streetM: Float64Array.of(5, 0), pieces: Int32Array.of(1, 0),
  };
  const live = { figures, isInPieces: () => false };
  const row = rowFigures(live, 0);
  assert.deepEqual([row.households, row.people, row.streetShare, row.pieces], [400, 1000, 0.25, 1]);
  assert.ok(Math.abs(row.compactness - Math.PI / 4) < 1e-12);
  assert.deepEqual([rowFigures(live, 1).streetShare, rowFigures(live, 1).compactness], [null, 0]);
  const totals = liveTotals(figures, [grid(0), grid(1, { boundaryCode: "c" })], { households: 650, cells: 7 }, [300, 500]);
  assert.deepEqual([totals.households, totals.inBounds, totals.unassignedHouseholds, totals.unassignedCells], [600, 1, 50, 1]);
  assert.deepEqual([...totals.means], [["b", 400], ["c", 200]]);
});

test("a page without a data base keeps edits in memory, and what it could not write goes to the spare place", async () => {
  const kept = new Map<string, string>();
  const spare = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const entry = { key: "k", plan: "p", client: "c", order: 1, revision: 0, at: 1, kind: "paint", cells: [1], grids: [2], before: [0], changes: [], undoes: null, undoesKey: null } as Unsent;
  let troubles = 0;
  const outbox = createOutbox(undefined, spare, () => troubles++);
  const writing = outbox.put([entry]);
  outbox.flush();
  assert.equal(JSON.parse(kept.get("wangge.outbox") ?? "[]").length, 1);
  await writing;
  assert.equal(troubles, 1);
  assert.deepEqual(await outbox.all("p"), [entry]);
  await outbox.sent("k", "p", 4);
  assert.deepEqual(await outbox.all("p"), []);
  assert.deepEqual([...(await outbox.mine("p"))], [4]);
  // The next page takes over what the first could only put aside.
  const next = createOutbox(undefined, spare);
  assert.deepEqual(await next.all("p"), [entry]);
  assert.equal(kept.size, 0);
});

test("a page that was copied takes a name of its own; a page that is gone is noticed", async () => {
  const held = new Set<string>();
  const waiting = new Map<string, () => void>();
  const locks = {
    request: async (name: string, second: unknown, third?: (lock: object | null) => unknown) => {
      const then = (third ?? second) as (lock: object | null) => unknown;
      if (!third) return void (held.has(name) ? waiting.set(name, () => then({})) : then({}));
      if (held.has(name)) return void then(null);
      held.add(name);
      void then({});
    },
  } as unknown as LockManager;
  const memory = new Map<string, string>();
  const storage = { getItem: (key: string) => memory.get(key) ?? null, setItem: (key: string, value: string) => void memory.set(key, value) };
  let made = 0;
  const make = (): string => `page-${++made}`;
  const first = await openPages(storage, locks, make);
  assert.equal(first.me, "page-1");
  const copy = await openPages(storage, locks, make);
  assert.equal(copy.me, "page-2");
  const gone: string[] = [];
  copy.whenGone("page-1", () => gone.push("page-1"));
  copy.whenGone("page-2", () => gone.push("page-2"));
  copy.whenGone("page-9", () => gone.push("page-9"));
  waiting.get("wangge.page.page-1")?.();
  assert.deepEqual(gone.sort(), ["page-1", "page-9"]);
});

test("the line to the server: its events are read, broken ones left, a refused line is opened anew", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const lines: { url: string; line: Line; tell: (kind: string, data: string) => void; closed: boolean; state: number }[] = [];
  const open = (url: string): Line => {
    const listeners = new Map<string, (event: { data: string }) => void>();
    const entry = { url, closed: false, state: 1, tell: (kind: string, data: string) => listeners.get(kind)?.({ data }), line: null as unknown as Line };
    entry.line = {
      get readyState() {
        return entry.state;
      },
      onopen: null,
      onerror: null,
      addEventListener: (kind, listener) => void listeners.set(kind, listener),
      close: () => void (entry.closed = true),
    };
    lines.push(entry);
    return entry.line;
  };
  const heard: unknown[] = [];
  const stop = listen("http://host/app/", "7", { client: "c", name: "李 雷" }, {
    edit: (edit) => heard.push(edit.revision),
    presence: (people) => heard.push(people.length),
    published: () => heard.push("published"),
    line: (standing) => heard.push(standing),
  }, open);
  assert.equal(lines[0].url, "http://host/app/events?plan=7&client=c&name=%E6%9D%8E+%E9%9B%B7");
  lines[0].line.onopen?.();
  lines[0].tell("edit", '{"revision": 3}');
  lines[0].tell("edit", "{broken");
  lines[0].tell("presence", "[{}, {}]");
  lines[0].state = 2;
  lines[0].line.onerror?.();
  context.mock.timers.tick(5000);
  assert.equal(lines.length, 2);
  lines[1].tell("published", "{}");
  stop();
  lines[1].tell("edit", '{"revision": 4}');
  assert.deepEqual(heard, [true, 3, 2, false, "published"]);
  assert.equal(lines[1].closed, true);
});

test("edits are sent with their revision and the name of who made them", async () => {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const answers = [{ revision: 5, at: "", who: "" }, [{ revision: 4 }], [], { job: 12 }];
  const editing = createEditing(
    createAsk("http://host/", async (url, init) => (asked.push({ url, init }), Response.json(answers.shift())), () => "李"),
  );
  await editing.send("a/b", 4, { key: "k", kind: "paint", cells: [1], grids: [2], changes: [], undoes: null });
  assert.deepEqual(await editing.edits("p", 3, true), [{ revision: 4 }]);
  assert.equal(await editing.rebalance("p", { grids: null, min: 1, max: 2 }), "12");
  const headers = asked[0].init?.headers as Headers;
  assert.equal(asked[0].url, "http://host/api/plans/a%2Fb/assignment");
  assert.deepEqual([headers.get("If-Match"), headers.get("X-Wangge-Who")], ['"4"', "%E6%9D%8E"]);
  assert.match(asked[1].url, /edits\?since=3&/);
  assert.match(asked[2].url, /edits\?since=4&/);
});

test("times are short today and carry the day otherwise", () => {
  const now = new Date(2026, 4, 3, 15, 0);
  assert.equal(formatTime(new Date(2026, 4, 3, 9, 5).getTime(), "en", now), "09:05");
  assert.match(formatTime(new Date(2026, 3, 30, 9, 5).getTime(), "zh-CN", now), /4月30日.*09:05/);
  assert.equal(formatTime("", "en", now), "");
});

test("numbering gives each boundary polygon its row of codes, once; what is in order already stays", async () => {
  const draft = await openDraft(3);
  const { live, attributes } = draft;
  const areas = new Map([...new Set(attributes.codes.map((_, ix) => attributes.boundaryOf(ix)))].map((code, ix) => [code, ix]));
  const changes = numberingChanges(live, attributes, areas);
  assert.ok(changes.length > 0);
  attributes.apply(changes as never);
  const living = attributes.codes.filter((_, ix) => live.figures.cells[ix] > 0);
  assert.equal(new Set(living).size, living.length);
  for (const code of living) assert.match(code, /\d{3}$/);
  assert.deepEqual(numberingChanges(live, attributes, areas), []);
});
