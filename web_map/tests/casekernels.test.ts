import assert from "node:assert/strict";
import { test } from "node:test";
import { categoryIn, placeThenWords, waysToPart } from "../src/kernels/calltext";
import { clusterPoints } from "../src/kernels/cluster";
import { calendarOf, dayIn, minutesBetween } from "../src/kernels/worktime";
import { randomFrom } from "./random";
import golden from "./worktime.json";

test("a call is parted into a place and what is wrong there", () => {
  const first = (text: string): [string, string] => {
    const [{ place, words }] = waysToPart(text);
    return [place, words];
  };
  assert.deepEqual(first("渔人码头3号楼漏水"), ["渔人码头3号楼", "漏水"]);
  assert.deepEqual(first("清庆小区一区3栋2单元501室，厨房漏水"), ["清庆小区一区3栋2单元501室", "厨房漏水"]);
  assert.deepEqual(first("漕溪路250弄3号 井盖丢了"), ["漕溪路250弄3号", "井盖丢了"]);
  assert.deepEqual(first("和平公园门口有人占道"), ["和平公园门口", "有人占道"]);
  assert.deepEqual(first("月兴里三号楼。路灯不亮"), ["月兴里三号楼", "路灯不亮"]);
  assert.deepEqual(first("12 Main St, water leaking"), ["12 Main St", "water leaking"]);
  assert.deepEqual(first("110 East Yan'an Rd. manhole open"), ["110 East Yan'an Rd.", "manhole open"]);
  assert.deepEqual(first("漕溪路250弄3号"), ["漕溪路250弄3号", ""]);
  assert.deepEqual(first("Kangaskaty 12"), ["Kangaskaty 12", ""]);
  assert.deepEqual(first("浦东南路有人晕倒"), ["浦东南路", "有人晕倒"]);
  assert.deepEqual(first("豫园 漏水"), ["豫园", "漏水"]);
  assert.deepEqual(first("黄浦区 外滩"), ["黄浦区 外滩", ""]);
  assert.deepEqual(first("福州路四川中路口"), ["福州路", "四川中路口"]);
  assert.deepEqual(first("网格2024"), ["2024", ""]);
  assert.deepEqual(waysToPart("小区对面福州路89号旁边垃圾没人清").slice(-3), [
    { place: "对面福州路89号", words: "小区…旁边垃圾没人清" },
    { place: "面福州路89号", words: "小区对…旁边垃圾没人清" },
    { place: "福州路89号", words: "小区对面…旁边垃圾没人清" },
  ]);
});

test("words behind coordinates or a link are what is wrong there", () => {
  const parted = (text: string): (string | undefined)[] => [placeThenWords(text)?.place, placeThenWords(text)?.words];
  assert.deepEqual(parted("121.5010,31.2355 漏水"), ["121.5010,31.2355", "漏水"]);
  assert.deepEqual(parted("31.2355 121.5010三楼漏水"), ["31.2355 121.5010", "三楼漏水"]);
  assert.deepEqual(parted("9.5215 47.1410 east gate is open"), ["9.5215 47.1410", "east gate is open"]);
  assert.deepEqual(parted(`47°08'27.6"N 9°31'17.4"E tree`), [`47°08'27.6"N 9°31'17.4"E`, "tree"]);
  assert.deepEqual(parted("北纬31度14分07.8秒 东经121度30分03.6秒 井盖丢了"), ["北纬31度14分07.8秒 东经121度30分03.6秒", "井盖丢了"]);
  assert.deepEqual(parted("https://uri.amap.com/marker?position=121.5,31.2 漏水"), ["https://uri.amap.com/marker?position=121.5,31.2", "漏水"]);
  for (const text of ["12 Main St, leak", "3号楼2单元501室", "121.5010,31.2355", "漏水", ""]) assert.equal(placeThenWords(text), null, text);
});

test("the whole text is the last way to read it, and no way is offered twice", () => {
  for (const text of ["渔人码头3号楼漏水", "漏水", "a, b", "12 Main St, Apt 4, leak", "  ", "3号楼3号楼坏了，急"]) {
    const ways = waysToPart(text);
    assert.equal(new Set(ways.map(({ place }) => place)).size, ways.length, text);
    if (text.trim()) assert.equal(ways.at(-1)?.words, "", text);
  }
  assert.deepEqual(waysToPart("   "), []);
});

test("the longest category that a text names is taken", () => {
  const known = ["漏水", "水管漏水", "占道", "Street lamp"];
  assert.equal(categoryIn("三楼水管漏水了", known), "水管漏水");
  assert.equal(categoryIn("the street lamp is out", known), "Street lamp");
  assert.equal(categoryIn("电梯坏了", known), null);
});

test("working minutes are those that the server counts", () => {
  for (const { calendar, spans } of golden as { calendar: object; spans: [number, number, number][] }[]) {
    const hours = calendarOf(calendar);
    for (const [from, to, minutes] of spans) {
      assert.ok(Math.abs(minutesBetween(hours, from, to) - minutes) < 1e-6, `${JSON.stringify(calendar)} ${from} ${to}: ${minutes}`);
      assert.equal(minutesBetween(hours, to, from), 0);
    }
  }
});

test("a zone that is not known counts as that of China, and hours that cannot be read do not count", () => {
  const [from, to] = [Date.parse("2026-09-21T00:00:00Z"), Date.parse("2026-09-22T00:00:00Z")];
  assert.equal(minutesBetween(calendarOf({ zone: "Nowhere/At all" }), from, to), minutesBetween(calendarOf({}), from, to));
  assert.equal(minutesBetween(calendarOf({ hours: { mon: ["nine to five"] } }), from, to), 0);
  const evening = Date.parse("2026-09-30T18:30:00Z");
  assert.deepEqual([undefined, "UTC", "America/Chicago"].map((zone) => dayIn(zone, evening)), ["2026-10-01", "2026-09-30", "2026-09-30"]);
});

test("groups hold each point once, near where they began, the same ones whatever is asked before", () => {
  const random = randomFrom(7);
  const [xs, ys] = [0, 1].map(() => Array.from({ length: 1000 }, () => random() * 900));
  const groups = clusterPoints(xs, ys, 30);
  assert.deepEqual(groups.flatMap(({ members }) => members).sort((a, b) => a - b), [...xs.keys()]);
  for (const { members } of groups)
    for (const i of members) assert.ok(Math.hypot(xs[i] - xs[members[0]], ys[i] - ys[members[0]]) < 30);
  // No two groups began within reach of each other.
  const begins = groups.map(({ members }) => members[0]);
  for (const a of begins) for (const b of begins) if (a < b) assert.ok(Math.hypot(xs[a] - xs[b], ys[a] - ys[b]) >= 30);
  assert.deepEqual(clusterPoints(xs, ys, 30), groups);
  assert.deepEqual(clusterPoints([], [], 30), []);
});
