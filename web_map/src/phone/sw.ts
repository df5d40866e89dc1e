/** Service worker of the worker's page: keeps the page for offline, never an old one where the server answers. */

import { openKeep } from "./keep";
import { createQueueOf } from "./sending";

// Set when it is built: the hash of the page's files, and those files.
declare const VERSION: string;
declare const FILES: string[];

interface Lasting {
  waitUntil(promise: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Client {
  postMessage(message: unknown): void;
}
interface Scope {
  location: Location;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void>; matchAll(): Promise<Client[]> };
  addEventListener(kind: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(kind: "fetch", listener: (event: Fetching) => void): void;
  addEventListener(kind: "sync", listener: (event: Lasting & { tag: string }) => void): void;
}
const scope = self as unknown as Scope;

const PREFIX = "wangge-phone-";
const MINE = PREFIX + VERSION;
const PICTURES = `${PREFIX}pictures`;
const MOST_PICTURES = 300;
/** How long the server may think before the page that is kept is shown. */
const PATIENCE_MS = 4_000;
const PAGE = "phone";

scope.addEventListener("install", (event) => {
  const fetchAll = async (): Promise<void> => {
    const cache = await caches.open(MINE);
    await cache.addAll(FILES.map((path) => new Request(path, { cache: "reload" })));
    await scope.skipWaiting();
  };
  event.waitUntil(fetchAll());
});

scope.addEventListener("activate", (event) => {
  const clear = async (): Promise<void> => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== MINE && name !== PICTURES);
    await Promise.all(old.map((name) => caches.delete(name)));
    await scope.clients.claim();
    await tell({ version: VERSION });
  };
  event.waitUntil(clear());
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.location.origin) return;
  const path = url.pathname.slice(new URL("./", scope.location.href).pathname.length);
  if (request.mode === "navigate") {
    if (path === PAGE) event.respondWith(page(request));
  } else if (/^api\/incidents\/\d+\/attachments\/\d+$/.test(path) && url.searchParams.get("size") === "thumb") {
    event.respondWith(kept(request, PICTURES, (cache) => void trim(cache)));
  } else if (path.startsWith("assets/") || path === "phone.webmanifest") {
    event.respondWith(kept(request, MINE));
  }
});

scope.addEventListener("sync", (event) => {
  if (event.tag === "send") event.waitUntil(send());
});

// The server's page where it answers in time, and then that one is kept; else the one that was kept.
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(MINE);
  const old = await cache.match(PAGE);
  const fresh = fetch(request).then(async (response) => {
    // A login that a proxy puts in the place of the page is shown, and not kept.
    if (response.ok && (await response.clone().text()).includes("assets/phone.js")) await cache.put(PAGE, response.clone());
    return response.status < 500 || !old ? response : old;
  });
  if (!old) return fresh;
  const late = new Promise<Response>((done) => setTimeout(() => done(old.clone()), PATIENCE_MS));
  return Promise.race([fresh.catch(() => old), late]);
}

// Files whose address names their content: what is kept is never old.
async function kept(request: Request, name: string, added?: (cache: Cache) => void): Promise<Response> {
  const found = await caches.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(name);
    await cache.put(request, response.clone());
    added?.(cache);
  }
  return response;
}

async function trim(cache: Cache): Promise<void> {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_PICTURES)).map((key) => cache.delete(key)));
}

async function send(): Promise<void> {
  const { queue: keep, lasting } = await openKeep(indexedDB);
  if (!lasting) return;
  const queue = createQueueOf(keep, new URL("./", scope.location.href).href, {
    known: () => undefined,
    sent: () => undefined,
    refused: () => undefined,
  });
  await queue.send();
  await tell({ sent: true });
  // The browser tries again later where something is left.
  if (queue.line.peek() !== "open" && queue.entries.peek().some(({ refused }) => !refused)) throw new Error("not sent");
}

async function tell(message: unknown): Promise<void> {
  for (const client of await scope.clients.matchAll()) client.postMessage(message);
}
