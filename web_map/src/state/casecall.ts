/** A call that is being taken: what was typed, where that is, whose it is, and the case that is made of it. */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Candidate, CaseRow, GridAnswer, NearFacility, ReportBody, StaffNear, StepBody } from "../api/cases";
import { ApiError } from "../api/request";
import type { Datum, PlaceReading, SearchHit } from "../api/types";
import { categoryIn, placeThenWords, waysToPart } from "../kernels/calltext";
import type { CaseDesk } from "./cases";
import { likeCases, worthAsking } from "./caselist";
import { codeWords } from "./casewords";
import { looksLikePlace } from "./coordinates";
import { holdsAt } from "./force";
import { newKey } from "./keys";
import { errorWords } from "./problems";
import type { State } from "./state";

/** Least share of the circle of a fix that makes its grid sure; as the server has it. */
const SURE = 0.8;

export type CallChoice =
  | { kind: "reading"; reading: PlaceReading; words: string }
  | { kind: "hit"; hit: SearchHit; words: string };

/** Where the call is about, in WGS 84. */
export interface CallPlace {
  lon: number;
  lat: number;
  how: "map" | "coordinates" | "address";
  label: string;
}

export type CallAnswer = GridAnswer & {
  /** Whether one grid is sure, or one of some is to be chosen, or none is there. */
  sure: boolean;
  choices: Candidate[];
};

export interface Call {
  readonly text: Signal<string>;
  readonly source: Signal<string>;
  readonly sources: ReadonlySignal<readonly string[]>;
  readonly datum: Signal<Datum>;
  readonly accuracy: Signal<number>;
  readonly choices: ReadonlySignal<readonly CallChoice[]>;
  readonly standing: ReadonlySignal<"idle" | "busy" | "done" | "failed">;
  readonly place: ReadonlySignal<CallPlace | null>;
  readonly answer: ReadonlySignal<CallAnswer | null>;
  readonly asking: ReadonlySignal<"idle" | "busy" | "failed">;
  /** Why whose it is could not be said. */
  readonly problem: ReadonlySignal<string>;
  readonly near: ReadonlySignal<readonly NearFacility[] | "loading" | "failed">;
  /** Who can be sent, the nearest grid first; null while that is not known. */
  readonly staff: ReadonlySignal<readonly StaffNear[] | null>;
  /** The grid that somebody chose where it was not sure. */
  readonly grid: Signal<string | null>;
  readonly category: Signal<string>;
  readonly grade: Signal<string>;
  readonly words: Signal<string>;
  readonly like: ReadonlySignal<readonly { row: CaseRow; metres: number }[]>;
  readonly fault: ReadonlySignal<string>;
  readonly making: ReadonlySignal<boolean>;
  /** Whether there is anything that would be lost. */
  readonly begun: ReadonlySignal<boolean>;
  /** What was kept for later without a place. */
  readonly kept: ReadonlySignal<readonly KeptCall[]>;
  type(text: string): void;
  pick(choice: CallChoice): void;
  click(lon: number, lat: number): void;
  /** Ask again whose it is. */
  retry(): void;
  make(send: boolean): Promise<void>;
  /** Put aside what was typed, until there is a place. */
  keep(): void;
  resume(key: string): void;
  /** Let the place go and keep what was typed. */
  leave(): void;
  clear(): void;
}

/** A call without a place. */
export interface KeptCall {
  key: string;
  at: number;
  text: string;
  category: string;
  words: string;
  source: string;
}

interface Habit {
  datum: Datum;
  accuracy: number;
}

const WAIT_MS = 180;
/** Zoom from which houses and the circle of a fix are seen. */
const CLOSE = 17;
const DRAFT = "wangge.call.draft";
const KEPT = "wangge.call.kept";
const HABITS = "wangge.call.habits";
const MOST_HABITS = 12;

export interface CallParts {
  state: State;
  cases: CaseDesk;
  storage: Storage | null;
  show(lon: number, lat: number, zoom?: number): void;
}

export function createCall({ state, cases, storage, show }: CallParts): Call {
  const { client } = cases;
  const t = state.t;
  const read = <T>(key: string, none: T): T => {
    try {
      return (JSON.parse(storage?.getItem(key) ?? "null") as T | null) ?? none;
    } catch {
      return none;
    }
  };
  const write = (key: string, value: unknown): void => {
    try {
      storage?.setItem(key, JSON.stringify(value));
    } catch {
      // A browser that keeps nothing has it while the page is open.
    }
  };

  const habits = signal(read<Record<string, Habit>>(HABITS, {}));
  const habitOf = (source: string): Habit => habits.peek()[source] ?? { datum: "wgs84", accuracy: 0 };
  const draft = read<Partial<KeptCall>>(DRAFT, {});
  const text = signal(draft.text ?? "");
  const source = signal(draft.source ?? "");
  const datum = signal<Datum>(habitOf(source.peek()).datum);
  const accuracy = signal(habitOf(source.peek()).accuracy);
  const choices = signal<readonly CallChoice[]>([]);
  const standing = signal<"idle" | "busy" | "done" | "failed">("idle");
  const place = signal<CallPlace | null>(null);
  const answer = signal<CallAnswer | null>(null);
  const asking = signal<"idle" | "busy" | "failed">("idle");
  const problem = signal("");
  const near = signal<readonly NearFacility[] | "loading" | "failed">([]);
  const staff = signal<readonly StaffNear[] | null>(null);
  const grid = signal<string | null>(null);
  const category = signal(draft.category ?? "");
  const grade = signal("general");
  const words = signal(draft.words ?? "");
  const fault = signal("");
  const making = signal(false);
  const kept = signal<readonly KeptCall[]>(read<KeptCall[]>(KEPT, []));
  // What was guessed from the text gives way to another guess, not what somebody typed.
  let guessed = { category: "", words: "" };
  let reading: AbortController | null = null;
  let whose: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  effect(() => write(DRAFT, { text: text.value, source: source.value, category: category.value, words: words.value }));
  effect(() => write(KEPT, kept.value));
  effect(() => {
    const habit = habitOf(source.value);
    batch(() => {
      datum.value = habit.datum;
      accuracy.value = habit.accuracy;
    });
  });
  const learn = (): void => {
    const mine = { [source.peek()]: { datum: datum.peek(), accuracy: accuracy.peek() } };
    const { [source.peek()]: _, ...others } = habits.peek();
    habits.value = Object.fromEntries(Object.entries({ ...mine, ...others }).slice(0, MOST_HABITS));
    write(HABITS, habits.peek());
  };

  const guess = (said: string, whole: string): void => {
    const found = categoryIn(whole, cases.categories.peek());
    // What the category says already need not be said twice.
    if (said === found) said = "";
    batch(() => {
      if (words.peek() === guessed.words) words.value = said;
      if (category.peek() === guessed.category) category.value = found ?? "";
      guessed = { category: found ?? "", words: said };
    });
  };

  const readText = async (said: string, signalled: AbortSignal): Promise<CallChoice[]> => {
    const plan = state.plan.peek()?.id ?? null;
    const parted = placeThenWords(said);
    const where = parted && looksLikePlace(parted.place) ? parted : looksLikePlace(said) ? { place: said, words: "" } : null;
    if (where) {
      const readings = await client.places(where.place, datum.peek(), plan, signalled);
      if (readings.length > 0) return readings.map((each) => ({ kind: "reading", reading: each, words: where.words }));
    }
    if (plan === null) return [];
    for (const way of waysToPart(said)) {
      const hits = (await client.search(plan, way.place, signalled)).filter((hit) => hit.kind !== "grid" || way.words === "");
      if (hits.length > 0) return hits.map((hit) => ({ kind: "hit", hit, words: way.words }));
    }
    return [];
  };

  const look = (said: string): void => {
    reading?.abort();
    clearTimeout(timer);
    if (said.trim() === "") {
      batch(() => {
        choices.value = [];
        standing.value = "idle";
      });
      return;
    }
    const mine = (reading = new AbortController());
    standing.value = "busy";
    timer = setTimeout(() => {
      readText(said.trim(), mine.signal).then(
        (found) => {
          if (mine.signal.aborted) return;
          batch(() => {
            choices.value = found;
            standing.value = "done";
          });
          guess(found[0]?.words ?? "", said);
        },
        () => {
          if (mine.signal.aborted) return;
          batch(() => {
            choices.value = [];
            standing.value = "failed";
          });
        },
      );
    }, WAIT_MS);
  };

  // Plans of places far apart can be in force at once: then the one on the map is asked about what lies in it.
  const whoseIs = async ({ lon, lat }: CallPlace, signalled: AbortSignal): Promise<GridAnswer> => {
    const found = await client.whose(lon, lat, accuracy.peek(), null, signalled);
    const plan = state.plan.peek();
    if (found.status !== "outside" || !plan || String(found.plan) === plan.id || !holdsAt(plan, Date.now())) return found;
    const [west, south, east, north] = plan.bbox;
    if (lon < west || lon > east || lat < south || lat > north) return found;
    return client.whose(lon, lat, accuracy.peek(), plan.id, signalled);
  };

  const ask = async (): Promise<void> => {
    const here = place.peek();
    whose?.abort();
    if (!here) return;
    const mine = (whose = new AbortController());
    batch(() => {
      asking.value = "busy";
      problem.value = "";
      grid.value = null;
    });
    try {
      const found = await whoseIs(here, mine.signal);
      if (mine.signal.aborted) return;
      const of = found.candidates ?? [];
      const sure = found.status === "inside" && (of.length === 0 || of[0].share >= SURE);
      const bordering = found.grid_code === null ? [] : [{ code: found.grid_code, share: 1 }];
      batch(() => {
        answer.value = { ...found, sure, choices: sure ? [] : of.length > 0 ? worthAsking(of) : bordering };
        asking.value = "idle";
        near.value = "loading";
        staff.value = null;
      });
      state.live.value = callWords(state, answer.peek() as CallAnswer);
      void client.staff(found.plan, here.lon, here.lat, mine.signal).then(
        (people) => !mine.signal.aborted && (staff.value = people),
        () => undefined,
      );
      const by = await client.near(found.plan, here.lon, here.lat, mine.signal).catch(() => "failed" as const);
      if (!mine.signal.aborted) near.value = by;
    } catch (error) {
      if (mine.signal.aborted) return;
      batch(() => {
        answer.value = null;
        asking.value = "failed";
        near.value = [];
        problem.value = error instanceof ApiError && error.status > 0 ? errorWords(state, error) : "";
      });
    }
  };
  // Another accuracy can make another answer.
  let asked = accuracy.peek();
  effect(() => {
    if (accuracy.value === asked) return;
    asked = accuracy.value;
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), WAIT_MS);
  });
  let system = datum.peek();
  effect(() => {
    if (datum.value === system) return;
    system = datum.value;
    if (place.peek() === null || place.peek()?.how === "coordinates") look(text.peek());
  });

  const settle = (here: CallPlace): void => {
    batch(() => {
      place.value = here;
      answer.value = null;
      fault.value = "";
      cases.choose(null);
      if (state.narrow.peek() && state.sheet.peek() === "peek") state.sheet.value = "half";
    });
    show(here.lon, here.lat, here.how === "map" ? undefined : CLOSE);
    void ask();
  };

  const clear = (): void => {
    reading?.abort();
    whose?.abort();
    clearTimeout(timer);
    batch(() => {
      text.value = category.value = words.value = fault.value = problem.value = "";
      guessed = { category: "", words: "" };
      grade.value = "general";
      choices.value = [];
      standing.value = asking.value = "idle";
      place.value = answer.value = grid.value = null;
      near.value = [];
        staff.value = null;
    });
  };

  const keep = (): void => {
    if (text.peek().trim() === "" && words.peek().trim() === "") return;
    const item = { key: newKey(), at: Date.now(), text: text.peek(), category: category.peek(), words: words.peek(), source: source.peek() };
    kept.value = [...kept.peek(), item];
    clear();
  };

  const bodyOf = (here: CallPlace): ReportBody => ({
    key: newKey(),
    x: here.lon,
    y: here.lat,
    crs: "wgs84",
    accuracy_m: accuracy.peek(),
    category: category.peek().trim(),
    grade: grade.peek(),
    words: words.peek().trim(),
    address: here.how === "address" ? here.label : here.how === "coordinates" ? text.peek().trim().slice(0, 200) : "",
    where: source.peek().trim(),
    plan: answer.peek()?.plan ?? null,
  });

  return {
    text,
    source,
    sources: computed(() => Object.keys(habits.value).filter((name) => name !== "")),
    datum,
    accuracy,
    choices,
    standing,
    place,
    answer,
    asking,
    problem,
    near,
    staff,
    grid,
    category,
    grade,
    words,
    like: computed(() => {
      const here = place.value;
      if (!here) return [];
      return likeCases(cases.rows.value.values(), { ...here, accuracy: accuracy.value, category: category.value }, cases.now.value);
    }),
    fault,
    making,
    begun: computed(() => text.value.trim() !== "" || place.value !== null || words.value.trim() !== ""),
    kept,
    type(said) {
      text.value = said;
      look(said);
    },
    pick(choice) {
      reading?.abort();
      const { text: said } = { text: text.peek().trim() };
      guess(choice.words, said);
      if (choice.kind === "reading") {
        const { lon, lat } = choice.reading;
        settle({ lon, lat, how: "coordinates", label: `${lon.toFixed(6)}, ${lat.toFixed(6)}` });
      } else {
        const { hit } = choice;
        settle({ lon: hit.lon, lat: hit.lat, how: "address", label: hit.title });
      }
      choices.value = [];
      learn();
    },
    click(lon, lat) {
      settle({ lon, lat, how: "map", label: `${lon.toFixed(6)}, ${lat.toFixed(6)}` });
    },
    retry: () => void (place.peek() ? ask() : look(text.peek())),
    async make(send) {
      const here = place.peek();
      if (making.peek()) return;
      if (!here) return void (fault.value = t("case.call.needsPlace"));
      if (category.peek().trim() === "") return void (fault.value = t("case.call.needsCategory"));
      making.value = true;
      fault.value = "";
      learn();
      const report = bodyOf(here);
      const then: StepBody[] = [];
      const settled = grid.peek();
      if (settled !== null) then.push({ key: newKey(), kind: "note", grid: settled, why: t("case.call.settled") });
      if (send) for (const kind of ["verify", "open", "dispatch"] as const) then.push({ key: newKey(), kind });
      const result = await cases.box.send({ key: report.key, at: Date.now(), report, then });
      making.value = false;
      if ("refused" in result) {
        fault.value = errorWords(state, result.refused);
        return;
      }
      clear();
      if ("kept" in result) {
        state.live.value = t("case.kept");
        return;
      }
      cases.choose(result.case.id);
      if (result.fault) cases.fault.value = { words: errorWords(state, result.fault), conflict: false };
      state.live.value = t("case.live.made", { id: String(result.case.id) });
    },
    keep,
    resume(key) {
      const item = kept.peek().find((each) => each.key === key);
      if (!item) return;
      // What stands in the box takes its place among those that wait.
      keep();
      clear();
      batch(() => {
        kept.value = kept.peek().filter((each) => each.key !== key);
        text.value = item.text;
        source.value = item.source;
        category.value = item.category;
        words.value = item.words;
      });
      look(item.text);
    },
    leave() {
      whose?.abort();
      batch(() => {
        place.value = answer.value = grid.value = null;
        near.value = [];
        staff.value = null;
        asking.value = "idle";
        fault.value = "";
      });
    },
    clear,
  };
}

/** Whose a place is, in one sentence. */
export function callWords(state: State, { status, grid_code, nearest_code, border_m, sure, choices }: CallAnswer): string {
  const t = state.t;
  const metres = border_m < 10 ? border_m.toFixed(1) : String(Math.round(border_m));
  if (status === "outside" && choices.length === 0) return t("case.call.outside", { code: codeWords(state, nearest_code), metres });
  if (sure && grid_code !== null) return t("case.call.inside", { code: codeWords(state, grid_code), metres });
  if (choices.length > 1) return t("case.call.unsure", { count: choices.length });
  return t("case.call.onBorder", { code: codeWords(state, choices[0]?.code ?? nearest_code) });
}
