import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../src/api/request";
import { nextCode, overlapOf, renumber, without } from "../src/state/syncrebase";
import { FakePage, FakeServer, memoryOutbox, settle } from "./fakeserver";
import { randomFrom } from "./random";

async function page(cells = 12) {
  const server = new FakeServer(cells);
  const outbox = memoryOutbox();
  return { server, outbox, page: await new FakePage(server, outbox).open() };
}

test("edits are sent in order, one after the other, and leave the outbox when the server has them", async () => {
  const { server, outbox, page: mine } = await page();
  mine.edit([1, 2], 1);
  mine.edit([2], 2);
  assert.equal(mine.sync.standing.value, "saving");
  assert.equal(outbox.rows.size, 2);
  await settle();
  assert.deepEqual(server.log.map((edit) => edit.cells), [[1, 2], [2]]);
  assert.equal(outbox.rows.size, 0);
  assert.deepEqual([...outbox.own], [1, 2]);
  assert.equal(mine.sync.standing.value, "saved");
  assert.deepEqual(mine.cells, server.cells);
});

test("nothing is said to be saved before the outbox was read", async () => {
  const { server, outbox, page: first } = await page();
  server.line = "dead";
  first.edit([1], 1);
  await settle();
  outbox.all = ((all) => async (plan) => {
    assert.equal(again.sync.standing.value, "saving");
    return all(plan);
  })(outbox.all.bind(outbox));
  const again = new FakePage(server, outbox);
  await again.open();
  assert.equal(again.sync.unsent.value, 1);
  assert.notEqual(again.sync.standing.value, "saved");
});

test("without a line the edits wait, and go when it is back", async () => {
  const { server, outbox, page: mine } = await page();
  server.line = "dead";
  for (let cell = 0; cell < 5; cell++) mine.edit([cell], 3);
  await settle();
  assert.equal(mine.sync.standing.value, "offline");
  assert.equal(mine.sync.unsent.value, 5);
  assert.equal(outbox.rows.size, 5);
  mine.wake();
  await settle();
  assert.equal(mine.sync.standing.value, "offline");
  server.line = "good";
  mine.wake();
  await settle();
  assert.equal(mine.sync.standing.value, "saved");
  assert.deepEqual(server.cells, mine.cells);
  assert.equal(server.revision, 5);
});

test("after a reload the unsent edits are on the plan again and are sent", async () => {
  const { server, outbox, page: mine } = await page();
  server.line = "dead";
  mine.edit([4, 5], 2, [{ path: "grid/2/name", value: "East" }]);
  mine.edit([5], 3);
  await settle();
  mine.sync.close();
  const again = await new FakePage(server, outbox).open();
  assert.deepEqual([again.cells[4], again.cells[5], again.values.get("grid/2/name")], [2, 3, "East"]);
  server.line = "good";
  again.wake();
  await again.sync.catchUp();
  await settle();
  assert.equal(server.revision, 2);
  assert.deepEqual(server.cells, again.cells);
  assert.equal(server.values.get("grid/2/name"), "East");
});

test("an edit whose answer was lost counts once", async () => {
  const { server, page: mine } = await page();
  server.line = "deaf";
  mine.edit([1], 1);
  await settle();
  assert.equal(server.revision, 1);
  assert.equal(mine.sync.standing.value, "offline");
  server.line = "good";
  server.other([7], 2);
  mine.wake();
  await settle();
  assert.equal(server.revision, 2);
  assert.equal(mine.sync.standing.value, "saved");
  assert.deepEqual(mine.cells, server.cells);
});

test("a page that died after sending, and another who built on it: the server's plan stands", async () => {
  const { server, outbox, page: mine } = await page();
  server.line = "deaf";
  mine.edit([1], 1);
  await settle();
  mine.sync.close();
  server.other([1], 5);
  server.line = "good";
  const again = await new FakePage(server, outbox).open();
  await settle();
  assert.equal(again.reloads, 1);
  assert.equal(server.revision, 2);
  assert.equal(server.cells[1], 5);
  assert.deepEqual(again.cells, server.cells);
  assert.equal(again.sync.standing.value, "saved");
});

test("edits of others on other cells come in, and ours are put on top of them", async () => {
  const { server, page: mine } = await page();
  server.other([8, 9], 4, [{ path: "grid/4/name", value: "West" }]);
  mine.edit([1], 1);
  await settle();
  assert.deepEqual(server.log.map((edit) => edit.who), ["other", "me"]);
  assert.deepEqual(mine.cells, server.cells);
  assert.equal(mine.values.get("grid/4/name"), "West");
  assert.equal(mine.seen.length, 1);
  assert.deepEqual(mine.met, [{ theirs: 1, ours: 1, moved: true }]);
  assert.equal(mine.sync.conflict.value, null);
});

test("the same cells: nothing is overwritten before the user has chosen", async () => {
  const { server, page: mine } = await page();
  server.other([1, 8], 4);
  mine.edit([1, 2], 1);
  await settle();
  assert.equal(mine.sync.standing.value, "conflict");
  assert.deepEqual(mine.sync.conflict.value?.overlap, { cells: [1], paths: [] });
  assert.equal(server.cells[1], 4);
  // Work goes on, and waits.
  mine.edit([5], 1);
  await settle();
  assert.equal(server.revision, 1);
  mine.sync.keepMine();
  await settle();
  assert.deepEqual([server.cells[1], server.cells[2], server.cells[5], server.cells[8]], [1, 1, 1, 4]);
  assert.deepEqual(mine.cells, server.cells);
  assert.equal(mine.sync.standing.value, "saved");
});

test("taking theirs keeps what nobody else touched", async () => {
  const { server, outbox, page: mine } = await page();
  server.other([1], 4, [{ path: "grid/1/name", value: "Theirs" }]);
  mine.edit([1, 2], 1, [{ path: "grid/1/name", value: "Mine" }, { path: "grid/2/name", value: "Kept" }]);
  mine.edit([1], 2);
  await settle();
  assert.deepEqual(mine.sync.conflict.value?.overlap, { cells: [1], paths: ["grid/1/name"] });
  mine.sync.takeTheirs();
  await settle();
  assert.deepEqual([server.cells[1], server.cells[2]], [4, 1]);
  assert.deepEqual([...server.values].sort(), [["grid/1/name", "Theirs"], ["grid/2/name", "Kept"]]);
  assert.deepEqual(mine.cells, server.cells);
  assert.deepEqual(mine.values, server.values);
  assert.equal(outbox.rows.size, 0);
});

test("edits of others are seen as they happen; a missed one is asked for; ours are known again", async () => {
  const { server, page: mine } = await page();
  mine.sync.heard(server.other([3], 2));
  await settle();
  assert.equal(mine.cells[3], 2);
  assert.deepEqual(mine.met, []);
  server.other([4], 2);
  mine.sync.heard(server.other([5], 2));
  await settle();
  assert.deepEqual([mine.cells[4], mine.cells[5]], [2, 2]);
  assert.equal(mine.sync.revision.value, 3);
  server.line = "deaf";
  mine.edit([6], 1);
  await settle();
  server.line = "good";
  mine.sync.heard(server.log[3]);
  await settle();
  assert.equal(mine.sync.unsent.value, 0);
  assert.equal(mine.sync.conflict.value, null);
});

test("an undo of an edit that was not sent yet names its revision once it has one", async () => {
  const { server, page: mine } = await page();
  server.line = "dead";
  const key = mine.edit([1], 1);
  mine.edit([1], 0, [], { kind: "undo", undoesKey: key });
  await settle();
  server.line = "good";
  server.other([9], 1);
  mine.wake();
  await settle();
  assert.deepEqual(server.log.map((edit) => [edit.kind, edit.undoes]), [["paint", null], ["paint", null], ["undo", 2]]);
  const late = mine.edit([2], 1);
  await settle();
  mine.edit([2], 0, [], { kind: "undo", undoesKey: late });
  await settle();
  assert.equal(server.log[4].undoes, 4);
  assert.equal(mine.sync.revisionOf(late), 4);
});

test("what the server refuses is said, and can be given up without losing the rest", async () => {
  const { server, outbox, page: mine } = await page();
  server.refuse = new ApiError("locked", 409, "Grid 004 is locked.");
  mine.edit([1], 4);
  mine.edit([2], 1);
  await settle();
  assert.equal(mine.sync.standing.value, "refused");
  assert.equal(mine.sync.refusal.value?.detail, "Grid 004 is locked.");
  server.refuse = null;
  await mine.sync.dropRefused();
  await settle();
  assert.equal(mine.reloads, 1);
  assert.deepEqual([server.cells[1], server.cells[2]], [0, 1]);
  assert.deepEqual(mine.cells, server.cells);
  assert.equal(outbox.rows.size, 0);
});

test("two people make the next grid at once: ours takes the number and the code after theirs", async () => {
  const { server, page: mine } = await page();
  server.values.set("grid/1", { code: "3101001", boundary_code: "b" });
  await mine.open();
  server.other([1], 2, [{ path: "grid/2", value: { code: "3101002", boundary_code: "b" } }]);
  mine.edit([2], 2, [{ path: "grid/2", value: { code: "3101002", boundary_code: "b" } }, { path: "grid/2/name", value: "New" }]);
  await settle();
  assert.equal(mine.reloads, 1);
  assert.deepEqual([server.cells[1], server.cells[2]], [2, 3]);
  assert.deepEqual(server.values.get("grid/3"), { code: "3101003", boundary_code: "b" });
  assert.equal(server.values.get("grid/3/name"), "New");
  assert.deepEqual(mine.values, server.values);
  assert.deepEqual(mine.cells, server.cells);
});

test("a server that went back gets our edits on what it has now", async () => {
  const { server, page: mine } = await page();
  server.other([1], 1);
  server.other([2], 1);
  await mine.sync.catchUp();
  server.log.pop();
  server.cells[2] = 0;
  mine.edit([5], 1);
  await settle();
  assert.equal(mine.reloads, 1);
  assert.deepEqual([server.cells[2], server.cells[5]], [0, 1]);
  assert.deepEqual(mine.cells, server.cells);
});

test("overlap, trimming and codes", () => {
  const mine = [{ cells: [1, 2], grids: [3, 3], before: [0, 0], changes: [{ path: "grid/7/name", value: "a", before: null }] }] as never;
  const gone = [{ cells: [1], grids: [3], changes: [{ path: "grid/7", value: null }] }] as never;
  assert.deepEqual(overlapOf(gone, mine), { cells: [], paths: ["grid/7/name"] });
  const [left] = without(mine as { cells: number[]; grids: number[]; before: number[]; changes: never[] }[], { cells: [1], paths: ["grid/7/name"] });
  assert.deepEqual(left, { cells: [2], grids: [3], before: [0], changes: [] });
  assert.equal(nextCode("310101001099", new Set(["310101001100"])), "310101001101");
  assert.equal(renumber(mine, [9], 10, new Set()), null);
});

test("two pages, a bad line, a thousand edits: both and the server end with the same plan", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const next = randomFrom(seed);
    const pick = (n: number): number => Math.floor(next() * n);
    const server = new FakeServer(40);
    const pages = [
      await new FakePage(server, memoryOutbox(), "a").open(),
      await new FakePage(server, memoryOutbox(), "b").open(),
    ];
    for (let step = 0; step < 120; step++) {
      const mine = pages[pick(2)];
      if (next() < 0.2) server.line = (["good", "dead", "deaf"] as const)[pick(3)];
      mine.edit([pick(40)], pick(6));
      if (next() < 0.3) mine.wake();
      if (next() < 0.1 && server.line === "good") {
        mine.sync.close();
        await settle();
        await mine.open();
      }
      for (let i = pick(6); i > 0; i--) await new Promise((done) => setImmediate(done));
      for (const each of pages) if (each.sync.conflict.value) next() < 0.5 ? each.sync.keepMine() : each.sync.takeTheirs();
    }
    server.line = "good";
    for (let round = 0; round < 20; round++) {
      for (const each of pages) {
        each.wake();
        await each.sync.catchUp();
        await settle();
        if (each.sync.conflict.value) each.sync.keepMine();
        await settle();
      }
    }
    for (const each of pages) {
      assert.equal(each.sync.standing.value, "saved", `seed ${seed}`);
      assert.deepEqual(each.cells, server.cells, `seed ${seed}`);
    }
    assert.equal(new Set(server.log.map((edit) => edit.key)).size, server.revision);
  }
});
