/** What was typed and not yet taken by the server: kept in the browser, sent when it answers again, in order, once. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { CaseDetail, CasesClient, ReportBody, StepBody } from "../api/cases";
import { ApiError } from "../api/request";

/** A report (without `id`) or a step of a case. */
export interface Waiting {
  key: string;
  /** When it was typed, milliseconds. */
  at: number;
  id?: number;
  report?: ReportBody;
  step?: StepBody;
  /** What follows a report as soon as it has a number. */
  then?: StepBody[];
  /** Why the server would not take it, where it was sent while nobody waited for it. */
  refused?: string;
}

/** `fault`: the report was taken, a step that should follow it was not. */
export type Sent = { case: CaseDetail; fault?: ApiError } | { kept: true } | { refused: ApiError };

export interface CaseBox {
  readonly waiting: ReadonlySignal<readonly Waiting[]>;
  /** Send at once, or keep for later; only what the server refuses is not kept. */
  send(item: Waiting): Promise<Sent>;
  /** Try again with what waits. */
  flush(): Promise<void>;
  drop(key: string): void;
}

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const NAME = "wangge.case.";
const AGAIN_MS = 5000;

export function createCaseBox(
  client: Pick<CasesClient, "report" | "step">,
  storage: Store | null,
  sent: (found: CaseDetail) => void,
  again: (run: () => void, after: number) => void = (run, after) => void setTimeout(run, after),
): CaseBox {
  const waiting = signal<readonly Waiting[]>(read(storage));
  const askers = new Map<string, (result: Sent) => void>();
  let running: Promise<void> | null = null;
  let planned = false;

  // Each under a name of its own, so that two pages of one browser do not lose what the other keeps.
  const keep = (item: Waiting): void => {
    waiting.value = [...waiting.peek().filter(({ key }) => key !== item.key), item];
    try {
      storage?.setItem(NAME + item.key, JSON.stringify(item));
    } catch {
      // A browser that keeps nothing has it while the page is open.
    }
  };
  const drop = (key: string): void => {
    waiting.value = waiting.peek().filter((item) => item.key !== key);
    try {
      storage?.removeItem(NAME + key);
    } catch {
      // As above.
    }
  };
  const answer = (key: string, result: Sent): void => {
    askers.get(key)?.(result);
    askers.delete(key);
  };

  const carryOut = async (item: Waiting): Promise<{ case: CaseDetail; fault?: ApiError }> => {
    if (item.step && item.id !== undefined) return { case: await client.step(item.id, item.step) };
    let found = await client.report(item.report as ReportBody);
    try {
      for (const step of item.then ?? []) found = await client.step(found.id, step);
    } catch (error) {
      if (!(error instanceof ApiError) || error.passing) throw error;
      return { case: found, fault: error };
    }
    return { case: found };
  };

  const run = async (): Promise<void> => {
    for (let item; (item = waiting.peek().find((each) => each.refused === undefined)); ) {
      const { key } = item;
      try {
        const result = await carryOut(item);
        drop(key);
        sent(result.case);
        answer(key, result);
      } catch (error) {
        const fault = error instanceof ApiError ? error : new ApiError("unreadable", 0, String(error));
        if (fault.passing) return later();
        if (askers.has(key)) drop(key);
        else keep({ ...item, refused: fault.message || fault.code });
        answer(key, { refused: fault });
      }
    }
  };
  const later = (): void => {
    for (const key of [...askers.keys()]) answer(key, { kept: true });
    if (planned) return;
    planned = true;
    again(() => {
      planned = false;
      void flush();
    }, AGAIN_MS);
  };
  const flush = (): Promise<void> =>
    (running ??= run().finally(() => {
      running = null;
    }));

  return {
    waiting,
    async send(item) {
      const result = new Promise<Sent>((resolve) => askers.set(item.key, resolve));
      keep(item);
      await flush();
      // What came while the last one was on its way.
      if (askers.has(item.key)) await flush();
      return result;
    },
    flush,
    drop,
  };
}

function read(storage: Store | null): Waiting[] {
  const found: Waiting[] = [];
  try {
    for (let i = 0; i < (storage?.length ?? 0); i++) {
      const name = storage?.key(i) ?? "";
      if (!name.startsWith(NAME)) continue;
      const item = JSON.parse(storage?.getItem(name) ?? "null") as Waiting | null;
      if (typeof item?.key === "string" && (item.report || item.step)) found.push(item);
    }
  } catch {
    // What cannot be read is left where it is.
  }
  return found.sort((a, b) => a.at - b.at);
}
