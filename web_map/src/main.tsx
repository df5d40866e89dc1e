/** Starts the page: state, worker, map, panels, and what ties them to the browser. */

import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { createClient } from "./api/client";
import { createBaseClient } from "./api/base";
import { createEditing } from "./api/edits";
import { createAsk } from "./api/request";
import { firstLang } from "./i18n";
import { unitToLonLat } from "./kernels/geometry";
import { createMap } from "./map/adapter";
import { connectBase } from "./map/basedata";
import { connectMap } from "./map/connect";
import { connectLines } from "./map/connectlines";
import { connectEditing } from "./map/editing";
import { attachKeyboard } from "./map/keyboard";
import { connectNotes } from "./map/notes";
import { openBeside } from "./map/beside";
import { Paintbox } from "./map/paintbox";
import { App } from "./panels/App";
import { Context, type DispatchDoor, isComposing } from "./panels/context";
import { createActions } from "./state/actions";
import { createBase } from "./state/base";
import { createBaseSender } from "./state/basesend";
import { routeTools } from "./state/basetools";
import { createCutting } from "./state/cutting";
import { createCursor } from "./state/cursor";
import { createKeyHand } from "./state/keyhand";
import { createEditSession } from "./state/edit";
import { connectDraft } from "./state/editing-load";
import { connectForce } from "./state/force";
import { createNotes } from "./state/notes";
import { openDesk, rememberedWho } from "./state/opendesk";
import { connectNumbers } from "./state/numbers";
import { type AddressBar, connectAddress, planOf } from "./state/rooms";
import { createState, DEFAULT_WIDTH, type State } from "./state/state";
import { createTimings } from "./state/timings";
import { createTools } from "./state/tools";
import "./styles/app.css";
import { createEngine } from "./worker/engine";
import { createLines } from "./worker/lineswords";

const LANG_KEY = "wangge.lang";
const WIDTH_KEY = "wangge.panel";
const FORCE_KEY = "wangge.force";
const LEGEND_KEY = "wangge.legend";
const SAID_MS = 8000;

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
    // A browser that keeps nothing starts with its own language and width next time.
  }
};

function follow(query: string, take: (matches: boolean) => void): void {
  const media = matchMedia(query);
  take(media.matches);
  media.addEventListener("change", () => take(media.matches));
}

function start(): void {
  const root = document.baseURI;
  const query = new URL(import.meta.url).search;
  const state = createState(firstLang(remembered(LANG_KEY), navigator.languages));
  state.panelWidth.value = Number(remembered(WIDTH_KEY)) || DEFAULT_WIDTH;
  const inForce = remembered(FORCE_KEY);
  state.forceShown.value = inForce === "all" || inForce === "none" ? inForce : "changes";
  state.legendOpen.value = { open: true, closed: false }[remembered(LEGEND_KEY) ?? ""] ?? null;
  follow("(prefers-color-scheme: dark)", (dark) => (state.theme.value = dark ? "dark" : "light"));
  follow("(max-width: 899px)", (narrow) => (state.narrow.value = narrow));

  const timings = createTimings(performance);
  Object.defineProperty(window, "__wangge_timings", { value: timings.view });
  Object.defineProperty(window, "__wangge_samples", { value: timings.samples });
  const client = createClient(root);
  const startWorker = (): Worker => new Worker(new URL(`worker.js${query}`, import.meta.url), { type: "module" });
  const engine = createEngine(startWorker(), () => {
    state.failure.value = { code: "no-browser", status: 0, detail: "" };
    state.phase.value = "failed";
  });

  const mapElement = document.createElement("div");
  mapElement.className = "map";
  const map = createMap(mapElement, engine, {
    click(lon, lat, cell) {
      if (state.phase.value !== "ready") return;
      if (dispatch.peek()?.room && state.room.peek() === "dispatch") dispatch.peek()?.room?.click(lon, lat);
      else if (cell !== undefined && cell >= 0) actions.selectCell(cell, lon, lat);
      else void actions.locate(lon, lat);
    },
    hover(cell) {
      const grid = cell < 0 ? -1 : (state.gridIx.value?.[cell] ?? -1);
      state.hovered.value = grid < 0 ? null : grid;
    },
    painted() {
      timings.mark("painted");
      timings.set("first_paint_ms", timings.view.painted - timings.view.arrived);
      state.painted.value = true;
    },
  });
  const actions = createActions(state, client, engine, map, timings, root);
  // Before the address is written, the plan that it names is read.
  const wanted = planOf(location.hash);
  connectAddress(state, addressBar, (id) => void actions.openPlan(id));
  const edit = createEditSession(state);
  const who = rememberedWho();
  const ask = createAsk(root, (url, init) => fetch(url, init), who.peek.bind(who));
  const editing = createEditing(ask);
  const set = openDesk(state, actions, client, editing, edit, who, root);
  follow("(prefers-reduced-motion: reduce)", (reduced) => map.setMotion(!reduced));
  const baseClient = createBaseClient(ask);
  const sender = createBaseSender(set.desk, baseClient);
  const base = createBase(set.desk, baseClient, sender);
  const cutting = createCutting(set.desk, sender, { outline: engine.outline, cellAt: (x, y) => map.cellAt(x, y) });
  const tools = routeTools(createTools(state, edit, set.commands, cutting), base);
  const keyHand = createKeyHand(state, edit, tools);
  const showCell = (cell: number, lon: number, lat: number): void => {
    engine.outline(cell, (outline) => (state.cellOutline.value = outline));
    map.show(lon, lat);
  };
  const cursor = createCursor(state, edit, showCell, cutting.open, keyHand);
  const paintbox = new Paintbox(state, edit);
  connectNumbers(state, edit, client);
  connectMap(state, map, engine, timings, paintbox);
  connectEditing(state, edit, tools, map, engine, paintbox, timings);
  connectBase(edit, base, map);
  attachKeyboard({ state, session: edit, tools, cursor, keyHand, map });
  connectDraft(state, edit, client, editing);
  const lines = createLines(() => new Worker(new URL(`lines.js${query}`, import.meta.url), { type: "module" }), root);
  const force = connectForce(state, lines.load);
  connectLines(state, edit, map.leaflet, lines);
  const notes = createNotes(state, edit, set.desk, editing, map.show);
  connectNotes(state, edit, notes, map.leaflet);
  const dispatch = signal<DispatchDoor>({ room: null, failed: false });
  const enter = (): void => {
    dispatch.value = { room: null, failed: false };
    import("./dispatch").then(
      ({ openDispatch }) => (dispatch.value = { room: openDispatch({ state, actions, ask, root, map, paintbox }), failed: false }),
      () => (dispatch.value = { room: null, failed: true }),
    );
  };
  effect(() => {
    if (state.room.value === "dispatch" && dispatch.peek().room === null) enter();
  });
  const beside = openBeside({ state, set, edit, map, paintbox, client, ask, root, startWorker });
  const centre = (): [lon: number, lat: number] => unitToLonLat(...map.centre());
  // A page that is closed in mid-stroke keeps what was painted; before the outbox is written down.
  addEventListener("pagehide", () => tools.sketch.peek() === null && tools.up(), true);
  connectPage(state);
  const clear = (): void => {
    if (state.room.peek() === "dispatch" && dispatch.peek().room?.escape()) return;
    if (state.selected.value === null && state.spot.value === null) beside.compare.close();
    else actions.clear();
  };
  connectKeys(clear, () => {
    if (state.room.peek() === "dispatch") dispatch.peek().room?.help();
    else set.desk.dialog.value = "shortcuts";
  });
  effect(() => {
    const half = 0.46 * window.innerHeight;
    const covered = { peek: 108 + 60, half, full: half }[state.sheet.value];
    // On a phone two maps stand one above the other over the sheet (compare.css).
    const stacked = state.compared.value && !state.looking.value && window.innerWidth < 600;
    map.setCovered(state.narrow.value ? covered - (stacked ? 108 : 0) : 0);
  });

  render(
    <Context.Provider value={{ state, actions, client, edit, tools, force, notes, base, baseClient, cutting, centre, dispatch, enterDispatch: enter, ...beside, ...set }}>
      <App mapElement={mapElement} onResize={map.resize} />
    </Context.Provider>,
    document.getElementById("app") as HTMLElement,
  );
  // After the panels are laid out, so that the plan is fitted to the real size of the map.
  requestAnimationFrame(() => {
    map.resize();
    void actions.start(wanted);
  });
}

function connectPage(state: State): void {
  effect(() => {
    document.documentElement.lang = state.lang.value;
    const desk = state.room.value === "dispatch" ? `${state.t("desk.dispatch")} · ` : "";
    const badge = state.badge.value > 0 ? `(${state.badge.value}) ` : "";
    const name = state.plan.value && desk === "" ? `${state.plan.value.name} · ` : desk;
    document.title = `${badge}${name}${state.t("app.title")}`;
    remember(LANG_KEY, state.lang.value);
  });
  effect(() => remember(FORCE_KEY, state.forceShown.value));
  effect(() => {
    if (state.legendOpen.value !== null) remember(LEGEND_KEY, state.legendOpen.value ? "open" : "closed");
  });
  // What was said is gone after a while, so that nobody who comes later takes it for what is.
  effect(() => {
    if (state.live.value === "") return;
    const timer = setTimeout(() => (state.live.value = ""), SAID_MS);
    return () => clearTimeout(timer);
  });
  effect(() => remember(WIDTH_KEY, String(state.panelWidth.value)));
}

const addressBar: AddressBar = {
  get hash() {
    return location.hash;
  },
  push: (hash) => history.pushState(null, "", hash),
  replace: (hash) => history.replaceState(null, "", hash),
  onMove: (act) => addEventListener("hashchange", act),
};

function connectKeys(clear: () => void, help: () => void): void {
  document.addEventListener("keydown", (event) => {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = (event.target as Element).closest?.("input, select, textarea") !== null;
    if (event.key === "Escape" && !inField) clear();
    if (event.key === "?" && !inField) help();
    if (event.key === "/" && !inField) {
      event.preventDefault();
      document.getElementById("search")?.focus();
    }
  });
}

start();
