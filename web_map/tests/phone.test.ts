import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CaseDetail, CaseState, CaseStep, ReportBody, StepBody, StepKind } from "../src/api/cases";
import { patientFetch } from "../src/api/phone";
import { ApiError } from "../src/api/request";
import { phoneEn } from "../src/i18n/phone-en";
import { phoneZh } from "../src/i18n/phone-zh-CN";
import { memoryKeep } from "../src/phone/keep";
import { inOrder, isHarmless, possible, seenAfter, stateAfter, urgencyOf } from "../src/phone/machine";
import { fit, photoName } from "../src/phone/photo";
import { wayTo } from "../src/phone/place";
import { CaseQueue, isHeld, localIso, type QueueKeep } from "../src/phone/queue";
import { categoriesOf } from "../src/phone/report";
import { duration, say, withNumbers } from "../src/phone/words";

const NEXT: Record<string, CaseState> = {
  "dispatched accept": "accepted",
  "accepted done": "done",
  "dispatched return": "dispatched",
  "accepted return": "dispatched",
};

/** A server of cases with its own opinion: steps count once by key, `seen` is checked, what does not follow is refused. */
class Server {
  readonly cases = new Map<number, { state: CaseState; steps: CaseStep[]; keys: Set<string>; unit: string }>();
  readonly reports = new Map<string, number>();
  readonly log: string[] = [];
  line: "good" | "dead" | "busy" | "locked" | "deaf" = "good";

  add(id: number, state: CaseState = "dispatched", steps = 4): void {
    this.cases.set(id, { state, steps: Array.from({ length: steps }, (_, i) => row(i, "note")), keys: new Set(), unit: "me" });
  }

  happen(id: number, kind: StepKind, who = "desk"): void {
    const found = this.of(id);
    found.state = NEXT[`${found.state} ${kind}`] ?? found.state;
    found.steps.push({ ...row(found.steps.length, kind), who });
  }

  one = (id: number): Promise<CaseDetail> => this.ask(() => this.detail(id));

  report = (_who: string, body: ReportBody): Promise<CaseDetail> =>
    this.ask(() => {
      if (!body.category) throw new ApiError("bad-parameter", 400, "no category");
      const known = this.reports.get(body.key);
      const id = known ?? 100 + this.reports.size;
      if (known === undefined) {
        this.reports.set(body.key, id);
        this.add(id, "reported", 1);
        this.log.push(`report ${id}`);
      }
      return this.detail(id);
    });

  step = (who: string, id: number, body: StepBody): Promise<CaseDetail> =>
    this.ask(() => {
      const found = this.of(id);
      if (found.keys.has(body.key)) return this.detail(id);
      if (body.seen !== undefined && body.seen !== found.steps.length) throw new ApiError("conflict", 409, "moved on");
      if (body.kind !== "note" && !NEXT[`${found.state} ${body.kind}`]) throw new ApiError("conflict", 409, "cannot");
      found.keys.add(body.key);
      this.happen(id, body.kind, who);
      this.log.push(`${body.kind} ${id} ${who} ${body.where ?? ""}`.trim());
      return this.detail(id);
    });

  attach = (who: string, id: number, photo: Blob, name: string, key: string): Promise<unknown> =>
    this.ask(() => {
      const found = this.of(id);
      if (found.keys.has(key)) return;
      found.keys.add(key);
      this.happen(id, "note", who);
      this.log.push(`photo ${id} ${name} ${photo.size}`);
    });

  private of(id: number) {
    const found = this.cases.get(id);
    if (!found) throw new ApiError("not-found", 404, "no such case");
    return found;
  }

  private async ask<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    if (this.line === "dead") throw new ApiError("no-connection", 0, "");
    if (this.line === "busy") throw new ApiError("store-unavailable", 503, "");
    if (this.line === "locked") throw new ApiError("unknown", 401, "");
    const answer = act();
    // The server did it, and the answer was lost on the way.
    if (this.line === "deaf") throw new ApiError("no-connection", 0, "");
    return answer;
  }

  private detail(id: number): CaseDetail {
    const { state, steps, unit } = this.of(id);
    const allowed = [...new Set(Object.keys(NEXT).filter((key) => key.startsWith(`${state} `)).map((key) => key.split(" ")[1]))];
    return { id, state, steps: [...steps], n_steps: steps.length, unit, allowed: [...allowed, "note"] } as unknown as CaseDetail;
  }
}

const row = (number: number, kind: StepKind): CaseStep =>
  ({ number, kind, at: "2026-11-22T10:00:00Z", who: "", why: "", where: "", to: null, minutes: null, passed: null }) as CaseStep;

class Phone {
  readonly server = new Server();
  now = Date.parse("2026-11-22T10:00:00Z");
  waits: (() => void)[] = [];
  sent: string[] = [];
  refused: string[] = [];
  queue: CaseQueue;
  private keys = 0;

  constructor(readonly keep: QueueKeep = memoryKeep().queue) {
    this.queue = this.open();
  }

  /** Another page over what is kept. */
  open(): CaseQueue {
    return (this.queue = new CaseQueue(this.keep, this.server, {
      now: () => this.now,
      newKey: () => `k${++this.keys}`,
      alone: (act) => act(),
      later: (_ms, act) => (this.waits = [act]),
      known: () => undefined,
      sent: ({ deed }) => this.sent.push(deed.kind),
      refused: ({ deed }) => this.refused.push(deed.kind === "step" ? deed.step.kind : deed.kind),
      changed: () => undefined,
    }));
  }

  step(id: number, kind: StepKind, seen: number | null = 4): Promise<void> {
    return this.queue.add({ kind: "step", step: { kind, why: `why ${kind}` } }, { case: id, who: "李", seen });
  }

  photo(id: number, name = "a.jpg"): Promise<void> {
    return this.queue.add({ kind: "photo", photo: new Blob(["123"]), name }, { case: id, who: "李" });
  }

  /** Let the queue try again, as it asked for. */
  async again(): Promise<void> {
    const [act] = this.waits.splice(0);
    act?.();
    await settle();
  }
}

const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

test("without a line all waits, and goes in order when it is back", async () => {
  const phone = new Phone();
  const { server, queue } = phone;
  server.add(1);
  server.add(2);
  server.line = "dead";
  await phone.step(1, "accept");
  await phone.photo(1);
  await phone.step(2, "accept");
  await phone.step(1, "done");
  await settle();
  assert.equal(queue.line.value, "dead");
  assert.equal(queue.entries.value.length, 4);
  server.line = "good";
  phone.now += 600_000;
  await phone.again();
  assert.deepEqual(queue.entries.value, []);
  assert.deepEqual(server.log.map((line) => line.split(" ").slice(0, 2).join(" ")), ["accept 1", "photo 1", "accept 2", "done 1"]);
  assert.equal(queue.line.value, "open");
  // What comes late says when it was done.
  assert.match(server.log[0], /^accept 1 李 phone 2026-11-22T\d\d:\d\d[+-]\d\d:\d\d$/);
});

test("an answer that was lost does not make a step count twice", async () => {
  const phone = new Phone();
  const { server, queue } = phone;
  server.add(1);
  server.line = "deaf";
  await phone.step(1, "accept");
  await phone.photo(1);
  await settle();
  await phone.again();
  server.line = "good";
  await phone.again();
  assert.deepEqual(queue.entries.value, []);
  assert.deepEqual(server.log, ["accept 1 李 phone", "photo 1 a.jpg 3"]);
  assert.equal(server.cases.get(1)?.steps.length, 6);
});

test("what is kept is sent by the next page, after this one was closed", async () => {
  const phone = new Phone();
  phone.server.add(1);
  phone.server.line = "dead";
  await phone.step(1, "accept");
  await settle();
  phone.server.line = "good";
  const next = phone.open();
  await next.read();
  assert.equal(next.entries.value.length, 1);
  await next.send();
  assert.deepEqual(next.entries.value, []);
  assert.equal(phone.server.cases.get(1)?.state, "accepted");
});

test("a case that was only urged meanwhile is no conflict", async () => {
  const phone = new Phone();
  phone.server.add(1);
  phone.server.line = "dead";
  await phone.step(1, "accept");
  await phone.step(1, "done");
  phone.server.happen(1, "urge");
  phone.server.line = "good";
  await phone.again();
  assert.deepEqual(phone.queue.entries.value, []);
  assert.equal(phone.server.cases.get(1)?.state, "done");
});

test("a step that the server refuses stays, says what happened, and holds those that were to follow it", async () => {
  const phone = new Phone();
  const { server, queue } = phone;
  server.add(1);
  server.add(2);
  server.line = "dead";
  await phone.step(1, "accept");
  await phone.step(1, "done");
  await phone.photo(1);
  await phone.step(2, "accept");
  server.happen(1, "hand_over");
  server.line = "good";
  await phone.again();
  assert.deepEqual(server.log.map((line) => line.split(" ").slice(0, 2).join(" ")), ["photo 1", "accept 2"]);
  const [accept, done] = queue.entries.value;
  assert.equal(queue.entries.value.length, 2);
  assert.deepEqual(accept.refused?.since.map(({ kind }) => kind), ["hand_over"]);
  assert.deepEqual(phone.refused, ["accept"]);
  assert.equal(accept.refused?.state, "dispatched");
  assert.ok(accept.refused?.allowed.includes("accept"));
  assert.equal(isHeld(done, queue.entries.value), true);
  assert.equal(queue.line.value, "open");
  // The worker looks at it and sends it all the same: what was to follow goes, too.
  await queue.again(accept.order);
  await settle();
  assert.deepEqual(queue.entries.value, []);
  assert.equal(server.cases.get(1)?.state, "done");
});

test("a refused step can be kept as a note, or discarded; nothing goes by itself", async () => {
  const phone = new Phone();
  const { server, queue } = phone;
  server.add(1, "closed", 9);
  await phone.step(1, "done");
  await phone.step(1, "return");
  await settle();
  assert.equal(queue.entries.value.length, 2);
  await queue.asNote(queue.entries.value[0].order, "meant as done");
  await settle();
  assert.equal(server.cases.get(1)?.steps.length, 10);
  assert.equal(queue.entries.value.length, 1);
  const [left] = queue.entries.value;
  assert.ok(left.refused);
  await queue.drop(left.order);
  assert.deepEqual(queue.entries.value, []);
  assert.deepEqual(server.log, ["note 1 李 phone"]);
});

test("photos of a new case wait for its number", async () => {
  const phone = new Phone();
  const { server, queue } = phone;
  server.line = "dead";
  const body = { x: 1, y: 2, crs: "wgs84", accuracy_m: 5, category: "漏水", grade: "general", words: "", address: "", plan: null };
  await queue.report(body, [{ photo: new Blob(["1"]), name: "a.jpg" }, { photo: new Blob(["22"]), name: "b.jpg" }], "李");
  await settle();
  assert.equal(queue.entries.value.length, 3);
  server.line = "good";
  await phone.again();
  assert.deepEqual(server.log, ["report 100", "photo 100 a.jpg 1", "photo 100 b.jpg 2"]);
  assert.deepEqual(phone.sent, ["report", "photo", "photo"]);
});

test("a report that is refused keeps its photos, and takes them along when it is discarded", async () => {
  const phone = new Phone();
  const { queue } = phone;
  const body = { x: 1, y: 2, crs: "wgs84", accuracy_m: 5, category: "", grade: "general", words: "", address: "", plan: null };
  await queue.report(body, [{ photo: new Blob(["1"]), name: "a.jpg" }], "李");
  await settle();
  const [report, photo] = queue.entries.value;
  assert.equal(report.refused?.code, "bad-parameter");
  assert.equal(isHeld(photo, queue.entries.value), true);
  await queue.drop(report.order);
  assert.deepEqual(queue.entries.value, []);
});

test("a server that is busy, or behind a closed door, refuses nothing", async () => {
  for (const line of ["busy", "locked"] as const) {
    const phone = new Phone();
    phone.server.add(1);
    phone.server.line = line;
    await phone.step(1, "accept");
    await settle();
    assert.equal(phone.queue.line.value, line);
    assert.equal(phone.queue.entries.value[0].refused, null);
    phone.server.line = "good";
    await phone.again();
    assert.deepEqual(phone.queue.entries.value, []);
  }
});

test("what can be done follows the steps that wait", () => {
  assert.equal(stateAfter("dispatched", [{ kind: "accept" }, { kind: "note" }, { kind: "done" }]), "done");
  assert.equal(stateAfter("done", [{ kind: "check", passed: false }]), "dispatched");
  assert.deepEqual(possible("dispatched", ["accept", "return", "urge", "note"], []), ["accept", "return", "note"]);
  // What the server allows now, and what follows from the steps that wait; the rules let nobody return it again.
  assert.deepEqual(possible("dispatched", ["accept", "hand_over", "extend", "escalate", "note"], [{ kind: "accept" }]), [
    "done", "hand_over", "extend", "park", "escalate", "note",
  ]); // prettier-ignore
  assert.deepEqual(possible("accepted", null, [{ kind: "park" }]), ["resume", "escalate", "note"]);
  assert.deepEqual(possible("accepted", null, [{ kind: "park" }, { kind: "resume" }]), possible("accepted", null, []));
  for (const kind of ["return", "hand_over", "escalate"] as const)
    assert.deepEqual(possible("accepted", null, [{ kind }]), ["note"], "it is somebody else's");
  assert.deepEqual(possible("accepted", null, [{ kind: "extend" }]), ["done", "return", "hand_over", "park", "escalate", "note"]);
  assert.deepEqual(possible("closed", ["evaluate", "reopen", "note"], []), ["evaluate", "note"]);
  assert.deepEqual(possible("closed", null, [{ kind: "evaluate" }]), ["note"]);
});

test("what the worker knows moves on with his own steps and harmless ones only", () => {
  const steps = [row(0, "report"), row(1, "dispatch"), row(2, "urge"), row(3, "accept")];
  assert.equal(seenAfter(2, "accept", steps), 4);
  assert.equal(seenAfter(2, "note", steps), 2);
  assert.equal(seenAfter(null, "accept", steps), null);
  assert.equal(isHarmless([row(0, "note"), row(1, "urge")]), true);
  assert.equal(isHarmless([row(0, "extend")]), false);
});

test("the list begins with what is due first; time runs on without the server", () => {
  const rows = [
    { id: 1, state: "parked", due_at: "2026-11-22T08:00:00Z", accept_by: null },
    { id: 2, state: "accepted", due_at: "2026-11-22T12:00:00Z", accept_by: null },
    { id: 3, state: "done", due_at: "2026-11-22T07:00:00Z", accept_by: null },
    { id: 4, state: "dispatched", due_at: "2026-11-22T09:00:00Z", accept_by: null },
    { id: 5, state: "reported", due_at: null, accept_by: null },
    { id: 6, state: "accepted", due_at: null, accept_by: null },
  ] as const;
  assert.deepEqual(inOrder(rows).map(({ id }) => id), [4, 2, 6, 3, 5, 1]);
  const asked = { due_at: "2026-11-22T09:00:00Z", accept_by: "2026-11-22T08:00:00Z", clock: "running", soon: false, overdue: false } as const;
  const at = (time: string) => urgencyOf(asked, "dispatched", Date.parse(`2026-11-22T${time}Z`));
  assert.deepEqual(at("07:00:00"), { level: "fine", minutes: 120, unanswered: false });
  assert.deepEqual(at("08:30:00"), { level: "soon", minutes: 30, unanswered: true });
  assert.deepEqual(at("10:00:00"), { level: "overdue", minutes: -60, unanswered: true });
  assert.equal(urgencyOf({ ...asked, overdue: true }, "accepted", Date.parse("2026-11-22T07:00:00Z")).level, "overdue");
  assert.equal(urgencyOf(asked, "done", 0).level, "none");
});

test("both languages have the same words to fill in, and no empty ones", () => {
  const slots = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
  assert.deepEqual(Object.keys(phoneZh), Object.keys(phoneEn));
  for (const key of Object.keys(phoneEn) as (keyof typeof phoneEn)[]) {
    assert.deepEqual(slots(phoneZh[key]), slots(phoneEn[key]), key);
    assert.ok(phoneEn[key].trim() && phoneZh[key].trim(), key);
    if (!["lang.switch", "lang.short"].includes(key)) assert.match(phoneZh[key], /[\u4e00-\u9fff]/, key);
  }
});

test("durations, ways, numbers to call, names and sizes of photos", async () => {
  const t = (key: keyof typeof phoneEn, values = {}): string => say("en", key, values);
  assert.deepEqual([0, 59, 61, 48 * 60 + 90].map((minutes) => duration(minutes, t)), ["0 min", "59 min", "1 h 1 min", "2 d 1 h"]);
  const { metres, direction } = wayTo({ lon: 116.39, lat: 39.91 }, { lon: 116.39, lat: 39.92 });
  assert.equal(Math.round(metres), 1112);
  assert.equal(direction, "n");
  assert.equal(wayTo({ lon: 0, lat: 0 }, { lon: -1, lat: -1 }).direction, "sw");
  const numbers = (text: string) => withNumbers(text).flatMap(({ number }) => number ?? []);
  assert.deepEqual(numbers("联系人 138 1234 5678，座机021-62345678"), ["13812345678", "02162345678"]);
  assert.deepEqual(numbers("116.391234,39.912345 2026-11-22 3号楼1201"), []);
  assert.equal(withNumbers("打 110 或 13812345678。").map(({ text }) => text).join(""), "打 110 或 13812345678。");
  assert.deepEqual(fit(4000, 3000), [1600, 1200]);
  assert.deepEqual(fit(800, 600), [800, 600]);
  assert.match(photoName(Date.parse("2026-11-22T10:00:00Z")), /^20261122-\d{6}\.jpg$/);
  assert.match(localIso(0), /^(1969-12-31|1970-01-01)T\d\d:\d\d[+-]\d\d:\d\d$/);
  const rules = { deadlines: [{ category: "*" }, { category: "漏水" }], duty: { rules: [{ name: "a", unit: "b", categories: ["占道", "漏水"] }] } };
  assert.deepEqual(categoriesOf(rules, []), ["漏水", "占道"]);
});

test("a request that hangs, or whose answer does, is given up", async () => {
  const never = (_url: unknown, init?: RequestInit): Promise<Response> =>
    new Promise((_, fail) => init?.signal?.addEventListener("abort", () => fail(new Error("gone"))));
  await assert.rejects(patientFetch(() => 5, never as typeof fetch)("http://x/"), TypeError);
  const good = await patientFetch(() => 1000, () => Promise.resolve(new Response("{}", { status: 201 })))("http://x/");
  assert.equal(good.status, 201);
  assert.equal((await patientFetch(() => 1000, () => Promise.resolve(new Response(null, { status: 204 })))("http://x/")).status, 204);
});

test("every word is used, and every word that is asked for is there", () => {
  const folder = join(process.cwd(), "src", "phone");
  const code = readdirSync(folder).filter((name) => /\.tsx?$/.test(name)).map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const families = [...code.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map(([, family]) => family);
  for (const key of Object.keys(phoneEn))
    assert.ok(code.includes(`"${key}"`) || families.some((family) => key.startsWith(family)), key);
});
