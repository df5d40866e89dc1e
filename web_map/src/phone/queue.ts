/** Steps, photos and reports on their way to the server: kept until it has them, sent in order, refusals kept too. */

import { signal } from "@preact/signals";
import type { CaseDetail, CaseState, CaseStep, ReportBody, StepBody, StepKind } from "../api/cases";
import { ApiError } from "../api/request";
import { isHarmless, seenAfter } from "./machine";

export type Deed =
  | { kind: "report"; body: Omit<ReportBody, "key" | "where"> }
  | { kind: "step"; step: Omit<StepBody, "key" | "seen"> }
  | { kind: "photo"; photo: Blob; name: string };

/** Why the server would not have it, and how the case stands there. */
export interface Refusal {
  code: string;
  detail: string;
  state: CaseState | null;
  /** Who has it there. */
  unit: string | null;
  /** What happened to the case since the worker saw it. */
  since: CaseStep[];
  /** Steps of the case by then. */
  steps: number | null;
  allowed: StepKind[];
}

export interface NewEntry {
  key: string;
  /** Milliseconds since 1970, as the phone's clock says. */
  at: number;
  who: string;
  /** Number of the case; null as long as its report is not sent. */
  case: number | null;
  /** Key of that report. */
  report: string | null;
  deed: Deed;
  /** Steps of the case that the worker knew; null where it does not matter. */
  seen: number | null;
  refused: Refusal | null;
}

export interface Entry extends NewEntry {
  /** Rises with every entry. */
  order: number;
}

export interface QueueKeep {
  /** All entries, the oldest first. */
  all(): Promise<Entry[]>;
  add(entries: readonly NewEntry[]): Promise<void>;
  /** Write some anew and take others away, all or nothing. */
  change(changed: readonly Entry[], removed: readonly number[]): Promise<void>;
}

/** What is asked of the server, each in the name of who did it. */
export interface Sender {
  report(who: string, body: ReportBody): Promise<CaseDetail>;
  step(who: string, id: number, body: StepBody): Promise<CaseDetail>;
  attach(who: string, id: number, photo: Blob, name: string, key: string): Promise<unknown>;
  one(id: number): Promise<CaseDetail>;
}

export interface QueueWorld {
  now(): number;
  newKey(): string;
  /** Let only one page, or the service worker, send at a time. */
  alone(act: () => Promise<void>): Promise<void>;
  /** Call later; the last call counts. */
  later(ms: number, act: () => void): void;
  /** The server told how a case stands now. */
  known(detail: CaseDetail): void;
  /** The server has an entry; `detail` is null where it could not be read again. */
  sent(entry: Entry, detail: CaseDetail | null): void;
  /** The server would not have an entry; it stays, for the worker to decide. */
  refused(entry: Entry): void;
  /** Something in the queue changed. */
  changed(): void;
}

/** How the line to the server was when it was last tried; `locked`: a server, or one before it, lets nobody in. */
export type LineState = "unknown" | "open" | "dead" | "busy" | "locked";
type Outcome = "gone" | "refused" | "again" | "wait";

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
/** What is sent so much later than it was done says when that was. */
const LATE_MS = 120_000;
/** Answers by which somebody on the way keeps the worker out; what waits is as good as before. */
const LOCKED: ReadonlySet<number> = new Set([401, 403, 407, 421, 511]);

export class CaseQueue {
  readonly entries = signal<readonly Entry[]>([]);
  /** Order of the entry that is being sent. */
  readonly sending = signal<number | null>(null);
  readonly line = signal<LineState>("unknown");
  private running: Promise<void> | null = null;
  private wanted = false;
  private failures = 0;

  constructor(
    private readonly keep: QueueKeep,
    private readonly sender: Sender,
    private readonly world: QueueWorld,
  ) {}

  /** Read what is kept; for the start, and when another page has changed it. */
  async read(): Promise<void> {
    this.entries.value = await this.keep.all();
  }

  /** Keep something that the worker did to a case; it is on the disk when the promise is kept. */
  async add(deed: Deed, about: { case: number; who: string; seen?: number | null }): Promise<void> {
    await this.write([this.entry(deed, about.who, { case: about.case, seen: about.seen ?? null })]);
  }

  /** Keep a new case with its photos, all of it or nothing. */
  async report(
    body: Omit<ReportBody, "key" | "where">,
    photos: readonly { photo: Blob; name: string }[],
    who: string,
  ): Promise<void> {
    const report = this.entry({ kind: "report", body }, who, {});
    const pictures = photos.map((photo) => this.entry({ kind: "photo", ...photo }, who, { report: report.key }));
    await this.write([report, ...pictures]);
  }

  /** Send what waits, in order, until nothing is left or the server cannot be reached. */
  async send(): Promise<void> {
    this.wanted = true;
    if (this.running) return this.running;
    this.running = this.world.alone(async () => {
      while (this.wanted) {
        this.wanted = false;
        await this.run();
      }
    });
    try {
      await this.running;
    } finally {
      this.running = null;
    }
    if (this.wanted) await this.send();
  }

  /** Send a refused step again as it is meant: it, and what was to follow it, take note of what happened meanwhile. */
  async again(order: number): Promise<void> {
    const entry = this.find(order);
    if (!entry?.refused) return;
    const known = entry.refused.steps;
    const noted = (each: Entry): Entry => ({ ...each, seen: each.seen === null ? null : Math.max(each.seen, known ?? 0) });
    const following = this.entries.value.filter(
      (each) => each.order > order && each.case !== null && each.case === entry.case && !each.refused,
    );
    await this.rewrite([{ ...noted(entry), refused: null }, ...following.map(noted)]);
  }

  /** Keep the words of a refused step in the history of its case, as a note. */
  async asNote(order: number, words: string): Promise<void> {
    const entry = this.find(order);
    if (!entry?.refused) return;
    const deed: Deed = { kind: "step", step: { kind: "note", why: words } };
    // Another deed has another key: a server that knows the old one must not take this for a repetition.
    await this.rewrite([{ ...entry, key: this.world.newKey(), deed, seen: null, refused: null }]);
  }

  /** Take an entry out for good, with all that hangs on it. */
  async drop(order: number): Promise<void> {
    const entry = this.find(order);
    if (!entry || this.sending.value === order) return;
    const hanging = this.entries.value.filter((each) => each.report !== null && each.report === entry.key);
    await this.keep.change([], [order, ...hanging.map((each) => each.order)]);
    await this.read();
    this.world.changed();
    void this.send();
  }

  private entry(deed: Deed, who: string, more: Partial<NewEntry>): NewEntry {
    const { newKey, now } = this.world;
    return { key: newKey(), at: now(), who, case: null, report: null, deed, seen: null, refused: null, ...more };
  }

  private async write(entries: readonly NewEntry[]): Promise<void> {
    await this.keep.add(entries);
    await this.read();
    this.world.changed();
    void this.send();
  }

  private find(order: number): Entry | undefined {
    return this.entries.value.find((entry) => entry.order === order);
  }

  private async rewrite(entries: readonly Entry[]): Promise<void> {
    await this.keep.change(entries, []);
    await this.read();
    this.world.changed();
    void this.send();
  }

  private async run(): Promise<void> {
    for (;;) {
      await this.read();
      const entry = nextOf(this.entries.value);
      if (!entry) return;
      this.sending.value = entry.order;
      const outcome = await this.sendOne(entry).finally(() => (this.sending.value = null));
      await this.read();
      this.world.changed();
      if (outcome !== "wait") {
        this.failures = 0;
        continue;
      }
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
      this.world.later(wait, () => void this.send());
      return;
    }
  }

  private async sendOne(entry: Entry): Promise<Outcome> {
    try {
      const detail = await this.deliver(entry);
      this.line.value = "open";
      await this.settle(entry, detail);
      return "gone";
    } catch (error) {
      return this.failed(entry, error);
    }
  }

  private async deliver(entry: Entry): Promise<CaseDetail | null> {
    const { deed, who, key, seen } = entry;
    if (deed.kind === "report") return this.sender.report(who, { ...deed.body, key, where: this.whereOf(entry) });
    const id = entry.case as number;
    if (deed.kind === "step") {
      const known = seen === null ? {} : { seen };
      return this.sender.step(who, id, { ...deed.step, key, where: this.whereOf(entry), ...known });
    }
    await this.sender.attach(who, id, deed.photo, deed.name, key);
    return this.sender.one(id).catch(() => null);
  }

  private whereOf({ at }: Entry): string {
    return this.world.now() - at < LATE_MS ? "phone" : `phone ${localIso(at)}`;
  }

  // The entry goes, and those that hang on it learn what they have to know, in one transaction.
  private async settle(entry: Entry, detail: CaseDetail | null): Promise<void> {
    const changed: Entry[] = [];
    if (detail) {
      const mine = entry.deed.kind === "step" ? entry.deed.step.kind : "note";
      for (const other of await this.keep.all()) {
        if (other.order === entry.order) continue;
        if (entry.deed.kind === "report" && other.report === entry.key)
          changed.push({ ...other, case: detail.id, report: null });
        else if (other.case === detail.id && other.seen !== null && !other.refused)
          changed.push({ ...other, seen: seenAfter(other.seen, mine, detail.steps) });
      }
    }
    await this.keep.change(changed, [entry.order]);
    if (detail) this.world.known(detail);
    this.world.sent(entry, detail);
  }

  private async failed(entry: Entry, error: unknown): Promise<Outcome> {
    if (!(error instanceof ApiError)) {
      // Neither an answer nor a missing one: the fault is in this page, and what waits stays.
      this.line.value = "busy";
      return "wait";
    }
    const waits = waitingFor(error);
    if (waits) {
      this.line.value = waits;
      return "wait";
    }
    this.line.value = "open";
    return this.refuse(entry, error);
  }

  private async refuse(entry: Entry, error: ApiError): Promise<Outcome> {
    let detail: CaseDetail | null = null;
    if (entry.case !== null) {
      try {
        detail = await this.sender.one(entry.case);
      } catch (second) {
        const waits = second instanceof ApiError ? waitingFor(second) : "busy";
        if (waits) {
          this.line.value = waits;
          return "wait";
        }
      }
    }
    const since = detail?.steps.slice(entry.seen ?? detail.steps.length) ?? [];
    if (detail && entry.seen !== null && error.status === 409 && since.length > 0 && isHarmless(since)) {
      await this.keep.change([{ ...entry, seen: detail.n_steps }], []);
      return "again";
    }
    const refused: Refusal = {
      code: error.code,
      detail: error.message,
      state: detail?.state ?? null,
      unit: detail?.unit ?? null,
      since,
      steps: detail?.n_steps ?? null,
      allowed: detail?.allowed ?? [],
    };
    await this.keep.change([{ ...entry, refused }], []);
    if (detail) this.world.known(detail);
    this.world.refused(entry);
    return "refused";
  }
}

function waitingFor(error: ApiError): LineState | null {
  if (error.status === 0 || error.status === 408) return "dead";
  if (LOCKED.has(error.status)) return "locked";
  if (error.status === 501) return null;
  return error.passing ? "busy" : null;
}

/** The entry to send next; undefined where all that is left was refused, or hangs on something that was. */
function nextOf(entries: readonly Entry[]): Entry | undefined {
  const held = new Set<number>();
  for (const entry of entries) {
    const { case: id, deed } = entry;
    if (entry.refused) {
      // Later steps were meant to follow this one; a photo or a note says something by itself.
      if (id !== null && !standsAlone(deed)) held.add(id);
    } else if (deed.kind === "report") return entry;
    else if (id !== null && (standsAlone(deed) || !held.has(id))) return entry;
  }
  return undefined;
}

/** Entries that wait for another one, which was refused. */
export function isHeld(entry: Entry, entries: readonly Entry[]): boolean {
  if (entry.refused || entry.deed.kind === "report") return false;
  const before = entries.filter((other) => other.order < entry.order && other.refused);
  if (entry.case === null) return before.some((other) => other.key === entry.report);
  return !standsAlone(entry.deed) && before.some((other) => other.case === entry.case && !standsAlone(other.deed));
}

const standsAlone = (deed: Deed): boolean =>
  deed.kind === "photo" || (deed.kind === "step" && deed.step.kind === "note");

/** 2026-11-22T14:02+08:00, in the zone of this phone. */
export function localIso(at: number): string {
  const moment = new Date(at);
  const offset = -moment.getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const local = new Date(at + offset * 60_000).toISOString().slice(0, 16);
  return `${local}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}
