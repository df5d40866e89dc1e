/** Changes of base data on their way to the server: one at a time, on a plan that is saved, and then on the page. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { BaseAnswer, BaseChange, BaseClient, CutChange } from "../api/base";
import { ApiError } from "../api/request";
import type { Desk } from "./desk";
import { errorWords } from "./problems";
import { newKey } from "./keys";

/** What became of it; `late`: it was called off, and yet the server has it. */
export type Sent =
  | { kind: "done"; answer: BaseAnswer }
  | { kind: "unsaved" | "away" | "stale" }
  | { kind: "cancelled"; late: boolean }
  | { kind: "refused"; error: ApiError; detail: string };

export interface BaseSender {
  /** Whether something is on its way. */
  readonly busy: ReadonlySignal<boolean>;
  /** Send changes, and wait until the page shows them; null where others are on their way. */
  send(changes: (BaseChange | CutChange)[], undoes: number | null, options?: SendOptions): Promise<Sent | null>;
}

export interface SendOptions {
  progress?: (share: number) => void;
  signal?: AbortSignal;
}

export function createBaseSender(desk: Desk, client: Pick<BaseClient, "apply">): BaseSender {
  const busy = signal(false);

  const carry = async (changes: (BaseChange | CutChange)[], undoes: number | null, options: SendOptions): Promise<Sent> => {
    const sync = desk.sync.peek();
    const plan = desk.state.plan.peek()?.id ?? "";
    const revision = (await sync?.whenSaved()) ?? null;
    if (!sync || revision === null) {
      const standing = sync?.standing.peek();
      return { kind: standing === "offline" || standing === "busy" ? "away" : "unsaved" };
    }
    const goOn = sync.pause();
    const { progress = () => undefined, signal: stop = new AbortController().signal } = options;
    try {
      const key = newKey();
      const answer = await client.apply(plan, revision, { key, changes, undoes }, progress, stop);
      await desk.outbox.sent(key, plan, answer.revision).catch(() => undefined);
      await goOn();
      return { kind: "done", answer };
    } catch (error) {
      // Whatever it was: what the server has is what counts.
      await goOn();
      if (error instanceof DOMException && error.name === "AbortError")
        return { kind: "cancelled", late: sync.revision.peek() !== revision };
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 0) return { kind: "away" };
      if (error.status === 412) return { kind: "stale" };
      return { kind: "refused", error, detail: /* without the number of a change among several */ errorWords(desk.state, error).replace(/Change \d[\d,]*: /, "") };
    }
  };

  return {
    busy,
    async send(changes, undoes, options = {}) {
      if (busy.peek()) return null;
      busy.value = true;
      // Undo and redo mean the plan as it will be.
      const release = desk.edit.defer();
      let done = false;
      try {
        const sent = await carry(changes, undoes, options);
        done = sent.kind === "done";
        return sent;
      } finally {
        busy.value = false;
        release(done);
      }
    },
  };
}
