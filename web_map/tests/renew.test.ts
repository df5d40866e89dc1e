import assert from "node:assert/strict";
import { test } from "node:test";
import type { BaseAnswer, BaseClient } from "../src/api/base";
import { ApiError } from "../src/api/request";
import { createBaseSender } from "../src/state/basesend";
import { OF_THE_LINE, sentenceOf } from "../src/state/connection";
import type { Desk } from "../src/state/desk";
import { translate } from "../src/i18n";
import type { Standing } from "../src/state/sync";
import { openDraft } from "./draft";
import { FakePage, FakeServer, memoryOutbox, settle } from "./fakeserver";

const base = (cells: [number, number, number][]) => [{ path: "base", value: { recut: true, cells } }];

async function page(cells = 12) {
  const server = new FakeServer(cells);
  const outbox = memoryOutbox();
  return { server, outbox, page: await new FakePage(server, outbox).open() };
}

test("what is edited while other base data are loaded stays, with the numbers that cells have then", async () => {
  const { server, outbox, page: mine } = await page();
  let arrive: () => void = () => undefined;
  mine.loading = new Promise((done) => (arrive = done));
  // Cell 3 is cut in two: all cells after it move up by one.
  server.other([], 0, base([[0, 0, 4], [4, 5, 8]]));
  server.cells.push(0);
  const caught = mine.sync.catchUp();
  await settle();
  assert.equal(mine.sync.standing.value, "renewing");
  mine.edit([2, 7], 3);
  mine.edit([8], 4);
  assert.deepEqual([mine.sync.unsent.value, outbox.rows.size], [2, 2]);
  assert.equal(server.revision, 1);
  arrive();
  await caught;
  await settle();
  assert.deepEqual([server.cells[2], server.cells[8], server.cells[9], server.cells[7]], [3, 3, 4, 0]);
  assert.deepEqual(mine.cells, server.cells);
  assert.deepEqual([mine.sync.standing.value, mine.reloads, outbox.rows.size], ["saved", 1, 0]);
});

test("a server that goes away while base data are loaded is told, and loading goes on when it is back", async () => {
  const { server, page: mine } = await page();
  server.other([1], 2, base([[0, 0, 12]]));
  const known = server.client.edits;
  let asked = 0;
  server.client.edits = async (plan, since) => {
    if (++asked === 2) server.line = "dead";
    return known(plan, since);
  };
  await Promise.race([mine.sync.catchUp(), settle()]);
  assert.equal(mine.sync.standing.value, "offline");
  mine.edit([4], 5);
  assert.equal(mine.sync.standing.value, "offline");
  server.line = "good";
  mine.wake();
  await settle();
  assert.deepEqual([mine.sync.standing.value, mine.cells[1], server.cells[4]], ["saved", 2, 5]);
});

test("a draft that was deleted is told, and nothing is said to be saved", async () => {
  const { server, page: mine } = await page();
  server.client.edits = async () => {
    throw new ApiError("not-found", 404, "");
  };
  await mine.sync.catchUp();
  assert.equal(mine.sync.standing.value, "gone");
  mine.edit([1], 1);
  await settle();
  assert.deepEqual([mine.sync.standing.value, server.sends], ["gone", 0]);
});

test("a busy server is not one that is away", async () => {
  const { server, page: mine } = await page();
  server.refuse = new ApiError("unavailable", 503, "busy");
  mine.edit([1], 1);
  await settle();
  assert.equal(mine.sync.standing.value, "busy");
  server.refuse = null;
  mine.wake();
  await settle();
  assert.equal(mine.sync.standing.value, "saved");
});

test("waiting for what is saved ends at once where it cannot be", async () => {
  const { server, page: mine } = await page();
  mine.edit([1], 1);
  assert.equal(await mine.sync.whenSaved(), 1);
  server.line = "dead";
  mine.edit([2], 1);
  assert.equal(await mine.sync.whenSaved(), null);
  assert.equal(mine.sync.standing.value, "offline");
});

test("nothing is sent during a pause, and all after it", async () => {
  const { server, page: mine } = await page();
  const goOn = mine.sync.pause();
  mine.edit([1], 1);
  server.other([5], 2);
  mine.sync.heard(server.log[0]);
  await settle();
  assert.deepEqual([server.revision, mine.sync.standing.value], [1, "saving"]);
  await goOn();
  await goOn();
  await settle();
  assert.deepEqual([server.revision, mine.cells[5], mine.sync.standing.value], [2, 2, "saved"]);
});

test("each state of the connection has a sentence of its own, true with and without unsent edits, in both languages", () => {
  const standings: Standing[] = ["saved", "saving", "offline", "busy", "renewing", "conflict", "refused", "gone", "closed"];
  const words = new Map<string, string>();
  for (const standing of standings)
    for (const unsent of [0, 1, 7])
      for (const kept of [true, false])
        for (const savedAt of [null, 5]) {
          const { key, values, alert } = sentenceOf({ standing, unsent, savedAt, kept }, () => "12:04");
          const said = translate("en", key, values);
          const of = `${standing} ${unsent} ${kept}`;
          words.set(of, said);
          assert.equal(alert, !["saved", "saving", "renewing", "closed"].includes(standing), of);
          assert.ok(!/[{}]/.test(said + translate("zh-CN", key, values)), of);
          if (unsent > 1 && ["offline", "busy", "gone"].includes(standing)) assert.match(said, /7 edits/, of);
          if (!kept && unsent > 0) assert.doesNotMatch(said, /kept in this browser/, of);
          if (standing !== "saved" && unsent > 0) assert.doesNotMatch(said, /All saved/, of);
        }
  assert.match(words.get("offline 0 true") as string, /^All saved\. The server does not answer/);
  assert.notEqual(words.get("offline 0 true"), words.get("offline 0 false"));
  assert.notEqual(words.get("busy 0 true"), words.get("offline 0 true"));
  assert.ok(OF_THE_LINE.has("cutcell.away") && OF_THE_LINE.has("base.takeBackAway"));
});

const ANSWER = { dataset: 2, revision: 1, recut: true } as BaseAnswer;

async function sender(apply: BaseClient["apply"], line: "good" | "dead" = "good") {
  const { server, outbox, page: mine } = await page();
  const draft = await openDraft();
  server.line = line;
  if (line === "dead") await mine.sync.catchUp();
  const desk = { sync: { peek: () => mine.sync }, state: draft.state, edit: draft.session, outbox } as unknown as Desk;
  return { server, mine, draft, outbox, sender: createBaseSender(desk, { apply }) };
}

test("a change of base data goes on a saved plan, one at a time, and is one of ours", async () => {
  let finish: () => void = () => undefined;
  const { server, mine, outbox, sender: way } = await sender(async (_plan, revision) => {
    await new Promise<void>((done) => (finish = done));
    server.other([], 0, base([[0, 0, 12]]));
    return { ...ANSWER, revision: revision + 1 };
  });
  mine.edit([1], 1);
  const sent = way.send([], null);
  await settle();
  assert.deepEqual([server.revision, way.busy.value], [1, true]);
  assert.equal(await way.send([], null), null);
  mine.edit([2], 1);
  finish();
  assert.equal((await sent)?.kind, "done");
  await settle();
  assert.deepEqual([server.revision, mine.reloads, way.busy.value], [3, 1, false]);
  assert.ok(outbox.own.has(2));
});

test("what becomes of a change that does not go through is told apart", async () => {
  const kindOf = async (error: unknown, line: "good" | "dead" = "good") => {
    const { sender: way } = await sender(() => Promise.reject(error), line);
    const sent = await way.send([], null);
    return sent?.kind === "refused" ? sent.detail : sent?.kind;
  };
  assert.equal(await kindOf(new ApiError("no-connection", 0, "")), "away");
  assert.equal(await kindOf(null, "dead"), "away");
  assert.equal(await kindOf(new ApiError("stale-revision", 412, "")), "stale");
  assert.equal(await kindOf(new ApiError("bad-edit", 422, "Change 1: the line divides nothing.")), "the line divides nothing.");
  assert.equal(await kindOf(new DOMException("", "AbortError")), "cancelled");
});

test("undo while a change of base data is on its way means the plan after it; where that fails it is forgotten", async () => {
  for (const works of [true, false]) {
    let finish: () => void = () => undefined;
    const { draft, sender: way } = await sender(async () => {
      await new Promise<void>((done) => (finish = done));
      if (!works) throw new ApiError("no-connection", 0, "");
      return ANSWER;
    });
    const { session, live } = draft;
    const cell = 0;
    const [before, target] = [live.gridOf[cell], live.gridOf.find((grid, i) => grid !== live.gridOf[0] && draft.graph.areaIx[i] === draft.graph.areaIx[0])];
    const sent = way.send([], null);
    await settle();
    session.perform("paint", [cell], target as number);
    assert.equal(session.undo(), null);
    assert.equal(live.gridOf[cell], target);
    finish();
    await sent;
    assert.equal(live.gridOf[cell], works ? before : target);
    assert.equal(session.canRedo.value, works);
  }
});

test("a draft goes on with other cells under it: tool, grid and place stay, what named cells is given up", async () => {
  const [old, fresh] = [await openDraft(1), await openDraft(2)];
  const { session, graph } = old;
  session.tool.value = "lasso";
  session.cursor.value = 5;
  old.state.selected.value = 2;
  session.proposal.value = { kind: "rebalance", title: "", cells: Uint32Array.of(1), grids: Int32Array.of(2), changes: [], weighed: null, reasons: [] };
  const opened = session.opened.value;
  session.replace({ live: fresh.live, ground: fresh.ground, revision: 9 });
  assert.deepEqual([session.phase.value, session.tool.value, session.opened.value, session.revision], ["ready", "lasso", opened + 1, 9]);
  assert.deepEqual([session.proposal.value, session.cutOff.value, session.split.value, old.state.selected.value], [null, null, null, 2]);
  const at = session.cursor.value as number;
  const far = (cell: number): number =>
    Math.hypot(fresh.graph.anchor[2 * cell] - graph.anchor[10], fresh.graph.anchor[2 * cell + 1] - graph.anchor[11]);
  for (let cell = 0; cell < fresh.graph.n; cell++) assert.ok(far(cell) >= far(at));
});
