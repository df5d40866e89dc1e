import assert from "node:assert/strict";
import { test } from "node:test";
import type { CaseDetail, CaseEvent, CaseRow, Rules, StepKind } from "../src/api/cases";
import type { PhoneClient } from "../src/api/phone";
import { ApiError } from "../src/api/request";
import type { PlanSummary } from "../src/api/types";
import { type Keep, memoryKeep } from "../src/phone/keep";
import { CaseQueue } from "../src/phone/queue";
import { createPhone, createPhoneState, type Kept, planInForce } from "../src/phone/state";
import { say } from "../src/phone/words";

const row = (id: number, more: Partial<CaseRow> = {}): CaseRow =>
  ({ id, state: "dispatched", unit: "抢修队", grid_code: "001", category: "漏水", n_steps: 4, due_at: null, accept_by: null, ...more }) as CaseRow;
const event = (id: number, kind: StepKind, more: Partial<CaseRow> = {}): CaseEvent => ({ ...row(id, { n_steps: 5, ...more }), kind, who: "" });

/** A phone over a server that is a list of rows, or nothing. */
function phoneOver(rows: CaseRow[], keep: Keep = memoryKeep()) {
  const world = { rows, alive: true, asked: [] as number[], now: 1000 };
  const answer = <T>(value: T): Promise<T> => (world.alive ? Promise.resolve(value) : Promise.reject(new ApiError("no-connection", 0, "")));
  const one = (id: number): Promise<CaseDetail> => {
    world.asked.push(id);
    const found = world.rows.find((each) => each.id === id);
    if (world.alive && !found) return Promise.reject(new ApiError("not-found", 404, "none"));
    return answer({ ...found, steps: [], allowed: [], attachments: [] } as unknown as CaseDetail);
  };
  const client = {
    mine: () => answer({ rows: world.rows, serial: 7 }),
    plans: () => answer([] as PlanSummary[]),
    grids: () => answer([]),
    ground: () => answer({ grid_code: "001", border: null, staff: [] }),
    base: () => answer({ etag: "", bytes: new ArrayBuffer(0) }),
    baseBytes: () => answer(null),
  } as PhoneClient;
  const fail = (): Promise<never> => Promise.reject(new ApiError("no-connection", 0, ""));
  const queue = new CaseQueue(
    keep.queue,
    { one, report: fail, step: fail, attach: fail },
    {
      now: () => world.now,
      newKey: () => "key",
      alone: (act) => act(),
      later: () => undefined,
      known: () => undefined,
      sent: () => undefined,
      refused: () => undefined,
      changed: () => undefined,
    },
  );
  const state = createPhoneState("en");
  const phone = createPhone({
    state,
    queue,
    client,
    one,
    rules: () => answer({} as Rules),
    seen: keep.seen,
    t: (key, values) => say("en", key, values),
    now: () => world.now,
    sparing: () => false,
    go: () => undefined,
  });
  return { world, phone, state, keep };
}

const OWNER = { kind: "unit", name: "抢修队" } as const;
const ids = (rows: Kept<CaseRow[]> | null): number[] => (rows?.value ?? []).map(({ id }) => id).sort();

test("cases that were listed once are there without a line, with their histories", async () => {
  const { phone, keep } = phoneOver([row(1), row(2)]);
  await phone.chooseOwner(OWNER);
  assert.deepEqual(await keep.seen.names("case:"), ["case:1", "case:2"]);
  const next = phoneOver([], keep);
  next.world.alive = false;
  await next.phone.chooseOwner(OWNER);
  assert.deepEqual(ids(next.state.rows.value), [1, 2]);
  assert.equal(next.state.rows.value?.at, 1000);
  assert.equal(next.state.listing.value, "failed");
  assert.equal(next.phone.queue.line.value, "dead");
  await next.phone.open(2);
  assert.equal(next.state.details.value.get(2)?.value.id, 2);
  assert.equal((await next.phone.ground(row(2)))?.grid_code, "001");
});

test("another unit's list is not mistaken for mine", async () => {
  const { phone, state, world } = phoneOver([row(1)]);
  await phone.chooseOwner(OWNER);
  world.alive = false;
  await phone.chooseOwner({ kind: "unit", name: "别的队" });
  assert.equal(state.rows.value, null);
});

test("what the server tells enters the list, changes it, and leaves it", async () => {
  const { phone, state, world } = phoneOver([row(1)]);
  await phone.chooseOwner(OWNER);
  world.rows = [row(1), row(2, { n_steps: 5 })];
  phone.told(event(2, "dispatch"));
  assert.deepEqual(ids(state.rows.value), [1, 2]);
  assert.match(state.notice.value?.text ?? "", /New case 2/);
  phone.told(event(3, "dispatch", { unit: "别的队" }));
  assert.deepEqual(ids(state.rows.value), [1, 2]);
  phone.told(event(1, "hand_over", { unit: "别的队" }));
  assert.deepEqual(ids(state.rows.value), [2]);
  assert.match(state.notice.value?.text ?? "", /Case 1 is no longer here/);
  // Told again after a broken line, as it was before.
  phone.told(event(2, "dispatch", { n_steps: 4, unit: "别的队" }));
  assert.deepEqual(ids(state.rows.value), [2]);
  phone.told(event(2, "close", { n_steps: 6, state: "closed" }));
  assert.deepEqual(ids(state.rows.value), []);
});

test("a case is asked for again only where something happened to it", async () => {
  const { phone, world } = phoneOver([row(1), row(2)]);
  await phone.chooseOwner(OWNER);
  assert.deepEqual(world.asked, [1, 2]);
  world.rows = [row(1), row(2, { n_steps: 5 })];
  await phone.load();
  assert.deepEqual(world.asked, [1, 2, 2]);
});

test("a case that the server does not know is called that, not lost in waiting", async () => {
  const { phone, state } = phoneOver([]);
  await phone.open(9);
  assert.equal(state.missing.value.has(9), true);
});

test("what waits moves a case on the phone at once, and a full disk is told", async () => {
  const keep = memoryKeep();
  const { phone } = phoneOver([row(1)], keep);
  await phone.chooseOwner(OWNER);
  await phone.step(1, { kind: "accept" });
  assert.deepEqual(phone.list.value.map(({ state, waiting }) => [state, waiting]), [["accepted", 1]]);
  assert.equal(phone.queue.entries.value[0].seen, 4);
  keep.queue.add = () => Promise.reject(new Error("quota"));
  await assert.rejects(phone.step(1, { kind: "done" }));
  assert.equal(phone.queue.entries.value.length, 1);
});

test("new cases are for the plan that came into force last, else the newest", () => {
  const plan = (id: number, state: string, valid_from: string | null): PlanSummary => ({ id: String(id), state, valid_from }) as PlanSummary;
  assert.equal(planInForce([plan(3, "draft", null), plan(2, "published", "2026-01-01"), plan(1, "published", "2026-05-01")])?.id, "1");
  assert.equal(planInForce([plan(3, "draft", null), plan(2, "superseded", "2026-01-01")])?.id, "3");
  assert.equal(planInForce([]), null);
});
