/** Ties the map to the edit session: what changes is coloured in the same frame, and drawn anew by the worker. */

import { effect, untracked } from "@preact/signals";
import { type Polygons, unitsPerMetre } from "../kernels/geometry";
import { concat } from "../kernels/order";
import { css } from "../kernels/palette";
import { formatNumber } from "../i18n";
import type { Dirty, EditSession } from "../state/edit";
import { linksOf } from "../state/pieces";
import type { State } from "../state/state";
import type { Timings } from "../state/timings";
import type { Toolbox } from "../state/tools";
import type { Engine } from "../worker/engine";
import type { GridLook, GridShape } from "../worker/protocol";
import type { MapView } from "./adapter";
import { afterFrame } from "./frame";
import { bordersOf, borderTone } from "./connect";
import type { Paintbox } from "./paintbox";

/** While the hand is down, outlines over the tiles follow at this pace, and labels, a picture as large as the map, at that. */
const PACE_MS = 200;
const LABELS_MS = 1000;
/** From one cell in this many on all is drawn anew. */
const MOST = 8;
const POINTING = new Set(["merge", "lock", "move", "block", "compound", "note"]);

export function connectEditing(
  state: State,
  session: EditSession,
  tools: Toolbox,
  map: MapView,
  engine: Engine,
  paintbox: Paintbox,
  timings: Timings,
): void {
  let boxes: Int32Array | null = null;
  /** Which opening of the session the boxes belong to, and what changed before they were there. */
  let boxesOf = -1;
  let missed = { of: -1, cells: [] as number[], grids: new Set<number>() };
  let tones: string[] = [];
  let arrived = new Map<number, Polygons>();
  let timer = 0;
  let labelled = 0;

  /** What the worker has not been told yet, in the numbers of which opening. */
  const nothingUntold = () => ({
    of: session.opened.peek(),
    lists: [] as ArrayLike<number>[],
    grids: new Set<number>(),
    all: false,
    done: false,
    waits: false,
  });
  let untold = nothingUntold();

  const note = (cells: ArrayLike<number>, grids: Iterable<number>): void => {
    const of = session.opened.peek();
    if (missed.of !== of) missed = { of, cells: [], grids: new Set() };
    for (let i = 0; i < cells.length; i++) missed.cells.push(cells[i]);
    for (const grid of grids) missed.grids.add(grid);
  };

  const boxesOfCells = (cells: ArrayLike<number>): Int32Array => {
    const out = new Int32Array(4 * cells.length);
    if (boxes)
      for (let i = 0; i < cells.length; i++)
        for (let k = 0; k < 4; k++) out[4 * i + k] = boxes[4 * cells[i] + k];
    return out;
  };

  const takeShapes = (): void => {
    clearTimeout(timer);
    timer = 0;
    if (arrived.size === 0) return;
    state.shapes.value = new Map([...state.shapes.peek(), ...arrived]);
    arrived = new Map();
    const now = performance.now();
    if (session.holding.peek() && now - labelled < LABELS_MS) return;
    labelled = now;
    map.relabel();
  };

  const shapesCame = (shapes: GridShape[]): void => {
    const grids = state.grids.peek();
    for (const { grid, polygon, label } of shapes) {
      arrived.set(grid, polygon);
      if (label && grids[grid]) grids[grid].label = label;
    }
    if (shapes.some(({ label }) => label)) takeShapes();
    else timer ||= window.setTimeout(takeShapes, PACE_MS);
  };

  const lookOf = (grid: number): GridLook => {
    const { live, book } = session;
    const households = live?.figures.households[grid] ?? 0;
    const [min, max] = state.bounds.peek();
    const inBounds = households >= min && households <= max;
    const area = live?.figures.areaM2[grid] ?? 0;
    return { grid, code: book?.codes[grid] ?? "", households, area_m2: area, in_bounds: inBounds };
  };

  const recolour = (cells: ArrayLike<number>): void => {
    if (boxes && boxesOf === session.opened.peek() && cells.length > 0) map.recolourIn(boxesOfCells(cells));
  };

  // Borders change their colour seldom: where a grid is new or its neighbours have made it change.
  const restyle = (grids: number[]): void => {
    const fresh = grids.filter((grid) => state.grids.peek()[grid] && css(borderTone(state, grid)) !== tones[grid]);
    if (fresh.length === 0) return;
    for (const grid of fresh) tones[grid] = css(borderTone(state, grid));
    engine.style({ theme: state.theme.peek(), borders: tones });
  };

  const redraw = ({ cells, grids, done }: Dirty): void => {
    const { live } = session;
    if (!live || !boxes || boxesOf !== session.opened.peek()) return note(cells, grids);
    if (untold.of !== session.opened.peek()) untold = nothingUntold();
    const began = performance.now();
    const touched = [...grids];
    const most = cells.length * MOST > live.graph.n;
    if (most) map.recolour(paintbox.build(live.gridOf));
    else recolour(paintbox.update(cells, touched));
    timings.sample("recolour_cells", performance.now() - began);
    if (done) restyle(touched);
    if (cells.length > 0) untold.lists.push(cells);
    for (const grid of touched) untold.grids.add(grid);
    untold.all ||= most;
    untold.done = done;
    if (untold.waits) return;
    untold.waits = true;
    afterFrame(tell);
  };

  // Waking the worker takes longer than the stroke: it hears of it when the frame is drawn.
  const tell = (): void => {
    const { live } = session;
    const { lists, grids, all, done, of } = untold;
    untold = nothingUntold();
    if (!live || of !== session.opened.peek() || lists.length + grids.size === 0) return;
    const changed = concat(lists);
    const now = new Int32Array(changed.length);
    for (let i = 0; i < changed.length; i++) now[i] = live.gridOf[changed[i]];
    engine.assign({ cells: changed, grids: now, looks: [...grids].map(lookOf), done });
    if (all) map.redrawLines();
    else map.redrawLinesIn(boxesOfCells(changed));
  };

  session.onDirty(redraw);
  connectMarks(state, session);

  effect(() => {
    const wanted = session.opened.value >= 0 && state.mode.value && state.theme.value;
    if (session.phase.value === "ready" && wanted) tones = bordersOf(state);
  });

  effect(() => {
    boxes = null;
    const of = session.opened.value;
    if (session.phase.value !== "ready") return;
    engine.edit({
      boxes(all) {
        boxes = all;
        boxesOf = of;
        const { cells, grids } = missed.of === of ? missed : { cells: [], grids: new Set<number>() };
        missed.of = -1;
        untracked(() => {
          // Locks have come with the attributes.
          if (state.gridIx.value) map.recolour(paintbox.build(state.gridIx.value));
          if (cells.length + grids.size > 0) redraw({ cells, grids, done: true });
        });
        timings.mark("editable");
      },
      shapes: shapesCame,
    });
  });

  effect(() => {
    const proposal = session.proposal.value;
    untracked(() => (state.proposed.value = proposal !== null));
    const halves = session.split.value;
    const cells = proposal?.cells ?? halves?.right.cells ?? [];
    const grids = proposal?.grids ?? new Array<number>(cells.length).fill(-2);
    untracked(() => recolour(paintbox.propose(cells, grids)));
  });

  effect(() => {
    const cut = session.cutOff.value;
    untracked(() => recolour(paintbox.warn(cut?.cells ?? [])));
  });

  connectHand(session, tools, map, timings);
}

// Padlocks, and lines between the pieces of grids in pieces.
function connectMarks(state: State, session: EditSession): void {
  let links = new Map<number, number[]>();

  const follow = (grids: Iterable<number>): void => {
    const { live } = session;
    if (!live) return;
    let changed = false;
    for (const grid of grids) {
      const lines = linksOf(live, grid);
      if (lines.length === 0 && !links.has(grid)) continue;
      changed = true;
      if (lines.length > 0) links.set(grid, lines);
      else links.delete(grid);
    }
    if (changed) state.links.value = [...links.values()].flat();
  };

  session.onDirty(({ grids, done }) => done && follow(grids));
  effect(() => {
    const { live } = session.phase.value === "ready" && session.opened.value >= 0 ? session : { live: null };
    links = new Map();
    untracked(() => {
      state.links.value = [];
      follow(live ? Array.from({ length: live.nGrids }, (_, grid) => grid) : []);
    });
  });
  effect(() => {
    if (session.attributesVersion.value >= 0) state.locked.value = new Set(session.book?.lockedGrids);
  });
}

function connectHand(session: EditSession, tools: Toolbox, map: MapView, timings: Timings): void {
  const { pointer } = tools;

  const brush = (): void => {
    const shown = session.phase.peek() === "ready" && session.tool.peek() === "paint";
    const at = pointer.peek();
    map.setBrush(shown ? at : null, at && shown ? session.brushM.peek() * unitsPerMetre(at.y) : 0);
  };
  const words = (): void => {
    const view = session.split.peek();
    const text = view ? `${formatNumber(view.left.households)} | ${formatNumber(view.right.households)}` : "";
    map.setHandWords(text, pointer.peek());
  };
  const timed = (work: () => void): void => {
    const began = performance.now();
    work();
    timings.sample("stroke", performance.now() - began);
  };

  map.attachHand({
    draws: (keys) => tools.toolFor(keys) !== "pan",
    down(place, keys) {
      pointer.value = place;
      tools.alt.value = keys.alt;
      timed(() => tools.down(place, keys));
      brush();
    },
    move(places) {
      pointer.value = places[places.length - 1];
      timed(() => tools.move(places));
      brush();
      words();
    },
    up() {
      const began = performance.now();
      tools.up();
      timings.sample("stroke_end", performance.now() - began);
      words();
    },
    cancel() {
      tools.cancel();
      words();
    },
    hover(place, keys) {
      pointer.value = place;
      tools.alt.value = keys.alt;
      brush();
    },
    pick: (place) => session.phase.value === "ready" && tools.pick(place),
  });

  effect(() => map.setSketch(tools.sketch.value));
  effect(() => map.setTaking(tools.taking.value));
  effect(() => {
    const ready = session.phase.value === "ready";
    const tool = session.tool.value;
    map.setHand(!ready || tool === "pan" ? "pan" : POINTING.has(tool) ? "point" : "draw");
    if (session.brushM.value > 0) brush();
  });
  effect(() => {
    if (session.split.value === null) words();
  });
}
