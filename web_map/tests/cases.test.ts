import assert from "node:assert/strict";
import { test } from "node:test";
import { type CaseDetail, type CaseEvent, type CaseHandlers, type CaseRow, type CasesClient, type CaseState, createCasesClient, listenToCases, type ReportBody, type Rules, type StepBody } from "../src/api/cases"; // prettier-ignore
import { ApiError } from "../src/api/request";
import type { PlanSummary } from "../src/api/types";
import { createCaseBox } from "../src/state/casebox";
import { createCall } from "../src/state/casecall";
import { successorOf } from "../src/state/planswap";
import { createStepDrafts } from "../src/state/stepdrafts";
import { clockOf, likeCases, listCases, metresBetween, NO_FILTER, standingOf } from "../src/state/caselist";
import { formOf, rulesOf } from "../src/state/caserules";
import { asksOf, keyOf, nextStep, stepOfKey, STEPS, stepsToSend } from "../src/state/casesteps";
import { createCaseDesk, timeWords } from "../src/state/cases";
import { bandOf } from "../src/state/caseareas";
import { caseOf, connectAddress, roomOf, roomPath } from "../src/state/rooms";
import { createState } from "../src/state/state";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-09-21T02:00:00Z"); // Monday, 10 o'clock in China

function row(id: number, more: Partial<CaseRow> = {}): CaseRow {
  return {
    id, category: "漏水", grade: "general", state: "dispatched", step: 3, unit: "001", level: "grid", plan: 1, grid_code: "001",
    lon: 114.35, lat: 30.45, accuracy_m: 0, words: "", details: {}, reported_at: new Date(NOW).toISOString(), dispatched_at: null,
    due_at: new Date(NOW + HOUR).toISOString(), accept_by: new Date(NOW + HOUR).toISOString(), round: 1, returns: 0, extensions: 0,
    urgings: 0, duplicate_of: null, n_steps: 1, clock: "running", left_minutes: 60, late_minutes: 0, overdue: false, soon: false,
    accept_overdue: false, ...more,
  }; // prettier-ignore
}

const detail = (of: CaseRow, more: Partial<CaseDetail> = {}): CaseDetail => ({
  ...of, allowed: ["accept", "return", "note"], duty: { unit: "001", because: "", rule: null, also: [] }, candidates: [], duplicates: [], steps: [], near: [], staff: [], ...more,
}); // prettier-ignore

const rest = (ms = 0): Promise<void> => new Promise((done) => setTimeout(done, ms));

class Shelf {
  readonly kept = new Map<string, string>();
  get length(): number {
    return this.kept.size;
  }
  getItem = (name: string): string | null => this.kept.get(name) ?? null;
  setItem = (name: string, value: string): void => void this.kept.set(name, value);
  removeItem = (name: string): void => void this.kept.delete(name);
  key = (at: number): string | null => [...this.kept.keys()][at] ?? null;
  clear = (): void => this.kept.clear();
}

test("the list: late ones first, then by time left, then those without a clock, the newest first", () => {
  const clock = clockOf({});
  const rows = [
    row(1, { clock: "none", due_at: null, state: "reported" }),
    row(2, { due_at: new Date(NOW + 3 * HOUR).toISOString() }),
    row(3, { due_at: new Date(NOW - HOUR).toISOString() }),
    row(4, { clock: "none", due_at: null, state: "verified" }),
    row(5),
    row(6, { state: "closed" }),
  ];
  assert.deepEqual(listCases(rows, NO_FILTER, "time", NOW, clock).map((one) => one.row.id), [3, 5, 2, 4, 1]);
  assert.deepEqual(listCases(rows, NO_FILTER, "newest", NOW, clock).map((one) => one.row.id), [5, 4, 3, 2, 1]);
  assert.deepEqual(listCases(rows, { ...NO_FILTER, scope: "ended" }, "time", NOW, clock).map((one) => one.row.id), [6]);
  assert.deepEqual(listCases(rows, { ...NO_FILTER, lateOnly: true }, "time", NOW, clock).map((one) => one.row.id), [3]);
  assert.deepEqual(listCases(rows, { ...NO_FILTER, state: "verified" }, "time", NOW, clock).map((one) => one.row.id), [4]);
  assert.deepEqual(listCases(rows, { ...NO_FILTER, words: "#5" }, "time", NOW, clock).map((one) => one.row.id), [5]);
});

test("time runs on between two answers, in working time, by the rule of the case", () => {
  const one = row(1, { due_at: "2026-09-21T10:00:00Z" }); // 18 o'clock; the day ends at 17
  assert.equal(standingOf(one, NOW, clockOf({})).left, 7 * 60);
  assert.equal(standingOf(one, NOW + 20 * HOUR, clockOf({})).late, 0);
  const rules: Rules = { deadlines: [{ category: "漏水", grade: "*", handle_minutes: 600, around_the_clock: true }] };
  assert.equal(standingOf(one, NOW, clockOf(rules)).left, 8 * 60);
  const late = standingOf(one, NOW + 9 * HOUR, clockOf(rules));
  assert.deepEqual([late.late, late.overdue, late.acceptOverdue], [60, true, true]);
  const soon = standingOf(one, NOW + 7 * HOUR, clockOf(rules));
  assert.deepEqual([soon.soon, soon.overdue], [true, false]);
  const state = createState("en");
  assert.equal(timeWords(state.t, one, late), "1 h late");
  assert.equal(timeWords(state.t, one, standingOf(one, NOW, clockOf(rules))), "8 h left");
  assert.equal(timeWords(state.t, row(2, { clock: "stopped" }), late), "clock stopped");
});

test("cases that stand near may be the same: of the same category first, ended ones not", () => {
  const here = { lon: 114.35, lat: 30.45, accuracy: 0, category: "漏水" };
  const near = row(1, { lon: 114.3501, category: "占道" });
  const rows = [near, row(2, { lon: 114.3503 }), row(3, { lon: 114.36 }), row(4, { state: "closed" }), row(5, { reported_at: new Date(NOW - 200 * HOUR).toISOString() })];
  assert.deepEqual(likeCases(rows, here, NOW).map((one) => one.row.id), [2, 1]);
  assert.ok(Math.abs(metresBetween(here, near) - 9.6) < 0.1);
});

test("every step has a key of its own, and those that need words ask for them", () => {
  const keys = STEPS.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  for (const kind of ["cancel", "return", "hand_over", "extend", "escalate", "park", "reopen", "unlink"] as const)
    assert.equal(asksOf(kind)?.why, "needed", kind);
  assert.equal(stepOfKey(keyOf("escalate")), "escalate");
  for (const taken of ["n", "j", "i", "m", "w", "/", "?"]) assert.equal(stepOfKey(taken), undefined, taken);
  assert.deepEqual(stepsToSend("reported"), ["verify", "open", "dispatch"]);
  assert.deepEqual(stepsToSend("accepted" as CaseState), []);
  assert.equal(nextStep("done"), "check");
});

test("what is typed without a line is kept, sent later in order, once, and over a closed page", async () => {
  const shelf = new Shelf();
  const sent: string[] = [];
  let line = false;
  const client = {
    report: async (body: ReportBody): Promise<CaseDetail> => {
      await undefined;
      if (!line) throw new ApiError("no-connection", 0, "");
      sent.push(`report ${body.key}`);
      return detail(row(9));
    },
    step: async (id: number, body: StepBody): Promise<CaseDetail> => {
      await undefined;
      if (!line) throw new ApiError("no-connection", 0, "");
      if (body.why === "bad") throw new ApiError("conflict", 409, "no");
      sent.push(`step ${id} ${body.key}`);
      return detail(row(id));
    },
  };
  const open = () => createCaseBox(client, shelf, () => undefined, () => undefined); // prettier-ignore
  const report = (key: string, then: StepBody[] = []) => ({ key, at: sent.length + Number(key), report: { key } as ReportBody, then });
  const box = open();
  const results = await Promise.all([
    box.send(report("1", [{ key: "1v", kind: "verify" }])),
    box.send({ key: "2", at: 2, id: 4, step: { key: "2", kind: "accept" } }),
    box.send({ key: "3", at: 3, id: 4, step: { key: "3", kind: "park", why: "bad" } }),
  ]);
  assert.deepEqual(results, [{ kept: true }, { kept: true }, { kept: true }]);
  const again = open();
  assert.deepEqual(again.waiting.value.map(({ key }) => key), ["1", "2", "3"]);
  line = true;
  await again.flush();
  assert.deepEqual(sent, ["report 1", "step 9 1v", "step 4 2"]);
  // What nobody waits for any more and the server refuses stays, and is said.
  assert.deepEqual(again.waiting.value.map(({ key, refused }) => [key, refused]), [["3", "no"]]);
  again.drop("3");
  assert.equal(shelf.length, 0);
  const refused = await again.send({ key: "4", at: 4, id: 4, step: { key: "4", kind: "park", why: "bad" } });
  assert.ok("refused" in refused && refused.refused.status === 409);
  assert.equal(again.waiting.value.length, 0);
  const half = await again.send(report("5", [{ key: "5p", kind: "park", why: "bad" }]));
  assert.ok("case" in half && half.fault?.status === 409, "the report was taken though what follows was not");
});

/** No clock runs, so that nothing is late whenever this is run. */
const QUIET = { clock: "none", due_at: null, accept_by: null } as const;

class FakeDesk {
  rows: CaseRow[] = [row(1, QUIET), row(2, QUIET)];
  handlers: CaseHandlers | null = null;
  told = new Map<number, CaseRow>();
  steps: [number, StepBody][] = [];
  reports: ReportBody[] = [];
  refuse: ApiError | null = null;
  since = -1;
  candidates: { code: string; share: number }[] = [];
  client = {
    list: async () => ({ total: this.rows.length, serial: 7, rows: this.rows }),
    rules: async () => ({ deadlines: [{ category: "漏水" }, { category: "占道" }] }),
    one: async (id: number) => {
      const found = this.told.get(id) ?? this.rows.find((each) => each.id === id);
      if (!found) throw new ApiError("not-found", 404, "");
      return detail(found);
    },
    step: async (id: number, body: StepBody) => {
      this.steps.push([id, body]);
      if (this.refuse) throw this.refuse;
      return detail({ ...(this.rows.find((each) => each.id === id) ?? row(id)), n_steps: 2, state: "accepted" });
    },
    report: async (body: ReportBody) => {
      this.reports.push(body);
      this.told.set(50, row(50, { category: body.category }));
      return detail(row(50, { category: body.category }), { allowed: ["verify"] });
    },
    whose: async () => ({
      grid_code: "001", grid_ix: 0, name: null, plan: 1, revision: 1, valid_from: null, status: "inside" as const, border_m: 12, nearest_code: "001", lon: 0, lat: 0, candidates: this.candidates, staff: [],
    }), // prettier-ignore
    near: async () => [],
    staff: async () => [],
    caseNear: async () => [],
    places: async () => [{ lon: 114.35, lat: 30.45, crs: "gcj02", crs_stated: false, order: "lon-lat" as const }],
    search: async (_plan: string, text: string) => (text === "月兴里3栋" ? [{ kind: "building" as const, title: text, detail: null, grid_code: "001", cell_ix: 1, lon: 114.35, lat: 30.45, bbox: null }] : []),
  } as unknown as CasesClient;
  rings: string[] = [];
  state = createState("en");
  shelf = new Shelf();
  desk = createCaseDesk({
    state: this.state,
    client: this.client,
    root: "http://wangge.test/",
    storage: this.shelf as unknown as Storage,
    show: () => undefined,
    ring: (what) => this.rings.push(what),
    listen: (_root, since, handlers) => {
      this.since = since;
      this.handlers = handlers;
      handlers.line(true);
      return () => undefined;
    },
  });
  tell(of: CaseRow, kind: CaseEvent["kind"], who = "李"): void {
    this.told.set(of.id, { ...of, ...QUIET });
    this.handlers?.event({ ...of, ...QUIET, kind, who });
  }
}

test("the desk: listens from where its list ends; a new case is told once, an older answer changes nothing", async () => {
  const fake = new FakeDesk();
  const stop = fake.desk.start();
  await rest(5);
  assert.equal(fake.since, 7);
  assert.equal(fake.desk.list.value.length, 2);
  fake.tell(row(3), "report");
  fake.tell(row(1, { n_steps: 4, state: "accepted" }), "accept");
  fake.tell(row(1, { n_steps: 3, state: "dispatched" }), "dispatch");
  await rest(120);
  assert.equal(fake.desk.rows.value.get(1)?.state, "accepted");
  assert.deepEqual([...fake.desk.fresh.value], [3]);
  assert.deepEqual(fake.rings, ["new"]);
  fake.tell(row(3, { n_steps: 2, state: "verified" }), "verify");
  await rest(120);
  assert.deepEqual(fake.rings, ["new"]);
  fake.desk.choose(3);
  assert.equal(fake.desk.fresh.value.size, 0);
  fake.tell(row(3, { n_steps: 3, state: "closed" }), "close");
  await rest(120);
  assert.deepEqual(fake.desk.list.value.map((one) => one.row.id), [2, 1]);
  stop();
});

test("a step says what was seen; where somebody was quicker that is told and the case read again", async () => {
  const fake = new FakeDesk();
  const stop = fake.desk.start();
  await rest(5);
  fake.desk.choose(1);
  await rest(5);
  fake.desk.ask("return");
  assert.equal(fake.desk.asked.value, "return");
  fake.desk.drafts.keep(1, "return", { why: "not ours", to: "" });
  const later = (): string => createStepDrafts((key) => fake.shelf.getItem(key), () => undefined).get(1, "return").why;
  assert.equal(later(), "not ours", "words for a step outlive the page");
  fake.refuse = new ApiError("conflict", 409, "There are 3 steps.");
  assert.equal(await fake.desk.act("return", { why: "not ours" }), false);
  assert.deepEqual(fake.desk.fault.value, { words: "There are 3 steps.", conflict: true });
  assert.equal(fake.desk.asked.value, "return", "what was typed stays");
  assert.deepEqual([fake.steps[0][1].seen, fake.steps[0][1].why], [1, "not ours"]);
  fake.refuse = null;
  assert.equal(await fake.desk.act("return", { why: "not ours" }), true);
  assert.equal(fake.desk.asked.value, null);
  assert.equal(fake.desk.fault.value, null);
  assert.equal(later(), "", "and are gone once they were sent");
  fake.desk.ask("close");
  assert.equal(fake.steps.length, 2, "what is not possible now is not asked of the server");
  stop();
});

test("a call: the address is parted from the words, the case goes with its category and its key", async () => {
  const fake = new FakeDesk();
  fake.state.plan.value = { id: "1", bbox: [114, 30, 115, 31], state: "published", valid_from: "2026-01-01T00:00:00Z" } as never;
  const stop = fake.desk.start();
  await rest(5);
  const call = createCall({ state: fake.state, cases: fake.desk, storage: fake.shelf as unknown as Storage, show: () => undefined });
  call.type("月兴里3栋漏水了");
  await rest(250);
  assert.equal(call.choices.value.length, 1);
  assert.deepEqual([call.category.value, call.words.value], ["漏水", "漏水了"]);
  call.category.value = "占道";
  call.pick(call.choices.value[0]);
  await rest(20);
  assert.equal(call.category.value, "占道", "what somebody typed is not guessed away");
  assert.equal(call.answer.value?.sure, true);
  assert.deepEqual(call.like.value.map((one) => one.row.id), []);
  await call.make(true);
  const [report] = fake.reports;
  assert.deepEqual([report.category, report.words, report.address, report.plan, report.crs], ["占道", "漏水了", "月兴里3栋", 1, "wgs84"]);
  assert.deepEqual(fake.steps.map(([id, step]) => [id, step.kind]), [[50, "verify"], [50, "open"], [50, "dispatch"]]);
  assert.equal(call.begun.value, false);
  assert.equal(fake.desk.chosen.value, 50);
  stop();
});

test("where two grids are possible none is guessed; the one that is chosen goes with the case", async () => {
  const fake = new FakeDesk();
  fake.state.plan.value = { id: "1", bbox: [114, 30, 115, 31], state: "published" } as never;
  fake.candidates = [{ code: "001", share: 0.6 }, { code: "002", share: 0.4 }]; // prettier-ignore
  const call = createCall({ state: fake.state, cases: fake.desk, storage: fake.shelf as unknown as Storage, show: () => undefined });
  call.accuracy.value = 40;
  call.click(114.35, 30.45);
  await rest(20);
  assert.deepEqual([call.answer.value?.sure, call.grid.value], [false, null]);
  await call.make(false);
  assert.equal(call.fault.value, fake.state.t("case.call.needsCategory"));
  call.category.value = "漏水";
  call.grid.value = "002";
  await call.make(false);
  assert.deepEqual(fake.steps.map(([, step]) => [step.kind, step.grid]), [["note", "002"]]);
  assert.equal(fake.reports[0].accuracy_m, 40);
});

test("the system and the accuracy of places are remembered for each source; what was typed outlives the page", async () => {
  const fake = new FakeDesk();
  const storage = fake.shelf as unknown as Storage;
  const make = () => createCall({ state: fake.state, cases: fake.desk, storage, show: () => undefined });
  const call = make();
  call.source.value = "小程序";
  call.datum.value = "gcj02";
  call.accuracy.value = 30;
  call.type("114.35, 30.45");
  await rest(250);
  call.pick(call.choices.value[0]);
  call.source.value = "电话";
  assert.deepEqual([call.datum.value, call.accuracy.value], ["wgs84", 0]);
  call.source.value = "小程序";
  assert.deepEqual([call.datum.value, call.accuracy.value], ["gcj02", 30]);
  const later = make();
  assert.deepEqual([later.text.value, later.source.value, later.datum.value], ["114.35, 30.45", "小程序", "gcj02"]);
  later.keep();
  assert.equal(later.text.value, "");
  const last = make();
  assert.equal(last.kept.value.length, 1);
  last.type("九江路89");
  last.resume(last.kept.value[0].key);
  assert.deepEqual([last.text.value, last.kept.value.map(({ text }) => text)], ["114.35, 30.45", ["九江路89"]], "what stood in the box waits now");
});

test("the line of cases comes back where the server closed it, from the last step that it told", async () => {
  const urls: string[] = [];
  const lines: { fire: (kind: string, data: unknown, id?: string) => void; line: { readyState: number; onerror: (() => void) | null } }[] = [];
  const events: number[] = [];
  const stop = listenToCases("http://wangge.test/", 7, { event: ({ id }) => events.push(id), reload: () => events.push(-1), line: () => undefined }, (url) => {
    urls.push(url);
    const heard = new Map<string, (event: { data: string; lastEventId: string }) => void>();
    const line = { readyState: 1, onopen: null, onerror: null as (() => void) | null, addEventListener: (kind: string, take: never) => heard.set(kind, take), close: () => undefined };
    lines.push({ line, fire: (kind, data, id = "") => heard.get(kind)?.({ data: JSON.stringify(data), lastEventId: id }) });
    return line as never;
  });
  lines[0].fire("case", row(4), "12");
  lines[0].fire("reload", { serial: 40 });
  lines[0].line.readyState = 2;
  lines[0].line.onerror?.();
  stop();
  assert.deepEqual(events, [4, -1]);
  assert.match(urls[0], /since=7$/);
});

test("the client reads all pages of a list, each case once", async () => {
  const asked: string[] = [];
  const client = createCasesClient(async (path) => {
    asked.push(path);
    const offset = Number(new URLSearchParams(path.split("?")[1]).get("offset"));
    const incidents = offset === 0 ? [row(2), row(1)] : [row(1), row(0)];
    return new Response(JSON.stringify({ total: 1002, serial: offset, incidents }));
  }, "http://wangge.test/"); // prettier-ignore
  const { total, serial, rows } = await client.list(true, 5000);
  assert.deepEqual([total, serial, rows.map(({ id }) => id)], [1002, 0, [2, 1, 0]]);
  assert.equal(asked.length, 2);
  assert.equal(client.address("/api/incidents/1/attachments/2"), "http://wangge.test/api/incidents/1/attachments/2");
});

test("rules come back from their tables as they were, and what the tables do not show stays", () => {
  const rules = {
    calendar: { hours: { mon: ["09:00-12:00", "13:00-17:00"] }, holidays: ["2026-10-01"], workdays: [], zone: "Asia/Shanghai" },
    deadlines: [{ category: "漏水", grade: "*", accept_minutes: 30, handle_minutes: 240, around_the_clock: true, urge_every: 60 }],
    duty: { rules: [{ name: "井盖", unit: "自来水公司", assets: ["manhole"], hours: { hours: { fri: ["18:00-24:00"] } } }], units: { "001": "李" } },
    max_returns: 2,
    max_extensions: 3,
    open311: { services: [1] },
  } as Rules;
  assert.deepEqual(rulesOf(formOf(rules), rules), rules);
  const empty = rulesOf(formOf({}), {});
  assert.deepEqual(empty.calendar?.hours?.mon, ["09:00-17:00"]);
  assert.equal(empty.calendar?.hours?.sat, undefined);
  assert.deepEqual([empty.deadlines, empty.duty], [[], { rules: [], units: {} }]);
});

test("a plan that does not hold any more gives way to the one that does", () => {
  const plan = (id: string, from: string | null, to: string | null) =>
    ({ id, state: from === null ? "draft" : "published", valid_from: from, valid_to: to, bbox: [0, 0, 1, 1] }) as unknown as PlanSummary;
  const [old, next, draft] = [plan("1", "2026-01-01", null), plan("2", "2026-11-01", null), plan("3", null, null)];
  const far = { ...next, id: "4", bbox: [5, 5, 6, 6] } as PlanSummary;
  const now = Date.parse("2026-11-22");
  assert.equal(successorOf(old, [old, draft], now), null);
  assert.equal(successorOf(old, [far, draft, plan("1", "2026-01-01", "2026-11-01"), next], now)?.id, "2");
  assert.equal(successorOf(old, [far, plan("1", "2026-01-01", "2026-11-01")], now), null, "what holds elsewhere does not answer here");
});

test("bands of minutes, and the desks in the address", () => {
  assert.deepEqual([0, 400, 401, 1200, 1201, -1].map((metres) => bandOf(metres)), [0, 0, 1, 2, -1, -1]);
  assert.equal(roomOf("#dispatch&plan=3"), "dispatch");
  assert.equal(roomOf("#plan=3"), "plan");
  assert.equal(new URLSearchParams(roomPath("dispatch", "3").slice(1)).get("plan"), "3");
});

test("the address names a case and follows it; back returns to it, rows walked by are no places, an unknown one is said", async () => {
  const fake = new FakeDesk();
  const { state, desk } = fake;
  const past: string[] = [];
  let move: () => void = () => undefined;
  const bar = {
    hash: "#dispatch&case=2",
    push(hash: string) {
      past.push(this.hash);
      this.hash = hash;
    },
    replace(hash: string) {
      this.hash = hash;
    },
    onMove: (act: () => void) => (move = act),
  };
  const opened: string[] = [];
  connectAddress(state, bar, (id) => opened.push(id));
  assert.deepEqual([state.room.value, state.caseId.value], ["dispatch", 2]);
  const stop = desk.start();
  await rest(5);
  assert.equal(desk.chosen.value, 2);
  state.plan.value = { id: "1" } as PlanSummary;
  state.plans.value = [state.plan.value, { id: "4" } as PlanSummary];
  assert.equal(bar.hash, "#dispatch&plan=1&case=2");
  desk.choose(1);
  desk.choose(null);
  assert.deepEqual([bar.hash, past], ["#dispatch&plan=1", ["#dispatch&plan=1&case=2", "#dispatch&plan=1&case=1"]]);
  const back = (): void => {
    bar.hash = past.pop() as string;
    move();
  };
  back();
  assert.equal(desk.chosen.value, 1);
  desk.walk(-1);
  assert.deepEqual([desk.chosen.value, bar.hash, past.length], [2, "#dispatch&plan=1&case=2", 1]);
  // A link to a part of the page is none to another desk.
  bar.hash = "#list";
  move();
  assert.deepEqual([bar.hash, desk.chosen.value], ["#dispatch&plan=1&case=2", 2]);
  state.room.value = "plan";
  assert.deepEqual([bar.hash, past.length], ["#plan=1", 2]);
  back();
  assert.deepEqual([state.room.value, desk.chosen.value], ["dispatch", 2]);
  for (const unknown of ["77", "x1"]) {
    bar.hash = `#dispatch&plan=1&case=${unknown}`;
    move();
    await rest(5);
    assert.deepEqual([state.caseUnknown.value, desk.chosen.value, bar.hash], [unknown, null, "#dispatch&plan=1"]);
  }
  desk.choose(1);
  assert.equal(state.caseUnknown.value, null);
  bar.hash = "#plan=4";
  move();
  assert.deepEqual([state.room.value, opened], ["plan", []]);
  bar.hash = "#plan=1";
  move();
  bar.hash = "#plan=4";
  move();
  assert.deepEqual(opened, ["4"]);
  assert.equal(caseOf("#plan=1&case=3"), null);
  stop();
});
