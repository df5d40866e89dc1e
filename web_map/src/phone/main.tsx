/** Starts the worker's page: what is kept, the queue, the panels, and what ties them to the phone. */

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { createCasesClient, listenToCases } from "../api/cases";
import { createPhoneClient, type Owner, patientFetch } from "../api/phone";
import { createAsk } from "../api/request";
import { firstLang } from "../i18n/format";
import "../styles/phonepage.css";
import { PhoneContext } from "./context";
import { openKeep } from "./keep";
import { PhoneApp } from "./PhoneApp";
import { nameOf } from "./QueuePage";
import { createQueueOf } from "./sending";
import { createPhone, createPhoneState, type Phone, type Route } from "./state";
import { type PhoneKey, say } from "./words";
import { sendLater, watchWorker } from "./worker";

const LANG_KEY = "wangge.lang";
const WHO_KEY = "wangge.who";
const OWNER_KEY = "wangge.phone.owner";
const TICK_MS = 20_000;
const POLL_MS = 60_000;

const remembered = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};
const remember = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
};

function routeOf(hash: string): Route {
  const [, page, id] = /^#\/(cases|case|new|queue|me)(?:\/(\d+))?$/.exec(hash) ?? [];
  if (page === "case") return id ? { page, id: Number(id) } : { page: "cases" };
  return { page: (page as "cases" | "new" | "queue" | "me" | undefined) ?? "cases" };
}

const hashOf = (route: Route): string => (route.page === "case" ? `#/case/${route.id}` : `#/${route.page}`);

function rememberedOwner(): Owner | null {
  try {
    const owner = JSON.parse(remembered(OWNER_KEY) ?? "null") as Owner | null;
    return owner && (owner.kind === "unit" || owner.kind === "grid") && owner.name ? owner : null;
  } catch {
    return null;
  }
}

async function start(): Promise<void> {
  const root = document.baseURI;
  const state = createPhoneState(firstLang(remembered(LANG_KEY), navigator.languages));
  const t = (key: PhoneKey, values = {}): string => say(state.lang.value, key, values);
  state.who.value = remembered(WHO_KEY) ?? "";
  state.route.value = routeOf(location.hash);
  const media = matchMedia("(prefers-color-scheme: dark)");
  state.dark.value = media.matches;
  media.onchange = () => (state.dark.value = media.matches);

  const keep = await openKeep(window.indexedDB);
  state.lasting.value = keep.lasting;
  const fetcher = patientFetch((url) => (url.endsWith(".bin") ? 120_000 : 20_000));
  const cases = createCasesClient(createAsk(root, fetcher), root);
  const queue = createQueueOf(keep.queue, root, {
    known: (detail) => phone.known(detail),
    refused: (entry) => phone.say(t("told.refused", { what: t(nameOf(entry)) }), "bad"),
    sent(entry, detail) {
      if (entry.deed.kind === "report" && detail)
        phone.say(t(detail.grid_code ? "sent.report" : "sent.unsure", { id: String(detail.id), grid: detail.grid_code ?? "" }), "good");
    },
  });
  const phone: Phone = createPhone({
    state,
    queue,
    client: createPhoneClient(createAsk(root, fetcher)),
    one: cases.one,
    rules: cases.rules,
    seen: keep.seen,
    t,
    now: () => Date.now(),
    sparing: () => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true,
    go: (route) => void (location.hash = hashOf(route)),
  });
  await queue.read().catch(() => undefined);

  effect(() => {
    document.documentElement.lang = state.lang.value;
    remember(LANG_KEY, state.lang.value);
    document.title = t("title");
  });
  effect(() => remember(WHO_KEY, state.who.value));
  effect(() => {
    if (state.owner.value) remember(OWNER_KEY, JSON.stringify(state.owner.value));
  });
  addEventListener("hashchange", () => {
    state.route.value = routeOf(location.hash);
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  });
  effect(() => {
    const route = state.route.value;
    if (route.page === "case") void phone.open(route.id);
  });
  connectLine(phone, root);
  effect(() => {
    const waits = queue.entries.value.some(({ refused }) => !refused);
    if (!waits || queue.line.value === "open") return;
    void sendLater();
    // A browser that is short of room is asked to clear something else.
    void navigator.storage?.persist?.().catch(() => undefined);
  });
  watchWorker(() => (state.newer.value = true), () => void queue.read());
  setInterval(() => (state.now.value = Date.now()), TICK_MS);

  const owner = rememberedOwner();
  if (!owner && state.route.value.page === "cases") state.route.value = { page: "me" };
  render(
    <PhoneContext.Provider value={phone}>
      <PhoneApp />
    </PhoneContext.Provider>,
    document.getElementById("app") as HTMLElement,
  );
  if (owner) await phone.chooseOwner(owner);
  void phone.prepare();
  void queue.send();
}

// The server's own words while the page is looked at, a look every minute besides, and another when the line comes back.
function connectLine(phone: Phone, root: string): void {
  const { state, queue } = phone;
  const shown = signal(document.visibilityState === "visible");
  const online = signal(navigator.onLine);
  // The list comes first: it says from where on there is news.
  const listed = computed(() => state.serial.value !== null);
  const look = (): void => {
    state.now.value = Date.now();
    void phone.load().then(phone.prepare);
    void queue.send();
  };
  effect(() => {
    if (!shown.value || !online.value || !listed.value) return;
    return listenToCases(root, state.serial.peek() as number, {
      event: phone.told,
      reload: () => void phone.load(),
      line: (open) => open && void queue.send(),
    });
  });
  document.addEventListener("visibilitychange", () => {
    shown.value = document.visibilityState === "visible";
    if (shown.value) look();
  });
  addEventListener("online", () => {
    online.value = true;
    look();
  });
  addEventListener("offline", () => {
    online.value = false;
    queue.line.value = "dead";
  });
  setInterval(() => shown.peek() && void phone.load(), POLL_MS);
}

void start();
