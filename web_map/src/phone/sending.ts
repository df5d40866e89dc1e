/** The queue as the page and its service worker both run it: one of them at a time, each entry in the name of who did it. */

import { createCasesClient } from "../api/cases";
import { patientFetch } from "../api/phone";
import { createAsk } from "../api/request";
import { newKey } from "../state/keys";
import { CaseQueue, type QueueKeep, type QueueWorld, type Sender } from "./queue";

/** Name under which pages and the service worker tell each other that the queue changed. */
const CHANNEL = "wangge.phone";
const LOCK = "wangge.phone.send";
const STEP_MS = 20_000;
const PHOTO_MS = 180_000;

export function createQueueOf(
  keep: QueueKeep,
  root: string,
  told: Pick<QueueWorld, "known" | "sent" | "refused">,
): CaseQueue {
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const queue = new CaseQueue(keep, senderTo(root), {
    now: () => Date.now(),
    newKey,
    alone,
    later(ms, act) {
      clearTimeout(timer);
      timer = setTimeout(act, ms);
    },
    ...told,
    changed: () => channel?.postMessage("changed"),
  });
  if (channel) channel.onmessage = () => void queue.read();
  return queue;
}

function senderTo(root: string): Sender {
  const fetcher = patientFetch((url) => (url.includes("/attachments") ? PHOTO_MS : STEP_MS));
  const as = (who: string) => createCasesClient(createAsk(root, fetcher, () => who), root);
  return {
    report: (who, body) => as(who).report(body),
    step: (who, id, body) => as(who).step(id, body),
    attach: (who, id, photo, name, key) => as(who).attach(id, photo, name, key),
    one: (id) => as("").one(id),
  };
}

// Where the browser has no locks, two pages may send the same thing: the server knows it by its key.
async function alone(act: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return act();
  await navigator.locks.request(LOCK, act);
}
