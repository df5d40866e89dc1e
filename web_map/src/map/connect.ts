/** Ties the map to the state: what is selected is marked, what is clicked is selected. */

import { computed, effect, untracked } from "@preact/signals";
import { css, darker, gridColour, lighter, type Rgb } from "../kernels/palette";
import type { Polygons } from "../kernels/geometry";
import { takeFeature } from "../kernels/geometry";
import type { State } from "../state/state";
import type { Timings } from "../state/timings";
import type { Engine } from "../worker/engine";
import type { MapView } from "./adapter";
import { afterFrame } from "./frame";
import type { Paintbox } from "./paintbox";

const NEUTRAL: Rgb = [88, 88, 86];

/** Colour of the border and of the marks of a grid. */
export function borderTone(state: State, grid: number): Rgb {
  if (state.mode.value !== "grid") return state.theme.value === "dark" ? [200, 198, 192] : NEUTRAL;
  const properties = state.grids.value[grid];
  const colour = gridColour("grid", properties, state.bounds.value);
  return state.theme.value === "dark" ? lighter(colour) : darker(colour, 0.35);
}

/** Send the worker the colours of all borders. */
function sendStyle(state: State, engine: Engine): void {
  engine.style({ theme: state.theme.peek(), borders: bordersOf(state) });
}

/** Colours of all borders, by grid. */
export const bordersOf = (state: State): string[] =>
  untracked(() => state.grids.value.map((_, grid) => css(borderTone(state, grid))));

export function connectMap(state: State, map: MapView, engine: Engine, timings: Timings, paintbox: Paintbox): void {
  let drawnFor: Int32Array | null = null;
  let theme = state.theme.peek();
  engine.style({ theme, borders: [] });
  // Edits change the classes seldom: only other limits colour everything anew.
  const breaks = computed(() => (state.mode.value === "number" ? `${state.measure.value} ${state.breaks.value.join()}` : ""));

  // Borders follow the colours when the frame is drawn.
  let linesWait = false;
  const linesLater = (): void => {
    if (linesWait) return;
    linesWait = true;
    afterFrame(() => {
      linesWait = false;
      sendStyle(state, engine);
      map.redrawLines();
    });
  };

  effect(() => {
    const gridIx = state.gridIx.value;
    const wanted = [state.theme.value, state.mode.value, state.bounds.value, breaks.value];
    if (!gridIx || wanted.length === 0) return;
    const before = performance.now();
    const palette = paintbox.build(gridIx);
    const redone = drawnFor === gridIx;
    if (!redone) sendStyle(state, engine);
    // Data that were loaded behind the picture come while it is there.
    const swapped = drawnFor !== gridIx && state.painted.peek();
    if (swapped) map.swap(palette);
    else map.recolour(palette);
    timings.set("recolour_ms", performance.now() - before);
    if (redone) linesLater();
    else if (!swapped) map.gridsReady();
    drawnFor = gridIx;
  });

  effect(() => {
    if (state.theme.value === theme) return;
    theme = state.theme.value;
    sendStyle(state, engine);
    map.redrawAll();
  });

  const cut = createCutter();
  effect(() => {
    const { value: polygons } = state.polygons;
    const { value: shapes } = state.shapes;
    const mark = (grid: number | null) =>
      grid === null || !polygons || !state.grids.value[grid] || state.grids.value[grid].retired
        ? null
        : { polygon: shapes.get(grid) ?? cut(polygons, grid), colour: css(borderTone(state, grid)) };
    const spot = state.spot.value;
    const selected = mark(state.selected.value);
    map.mark({
      theme: state.theme.value,
      hovered: mark(state.hovered.value),
      selected: selected && state.mode.value !== "grid" ? { ...selected, colour: "#1f6feb" } : selected,
      cell: state.cellOutline.value,
      pin: spot?.pin ? [spot.lon, spot.lat] : null,
      locked: state.locked.value,
      links: state.links.value,
    });
  });

  effect(() => {
    map.setWords({ map: state.t("map"), zoomIn: state.t("map.zoomIn"), zoomOut: state.t("map.zoomOut") });
  });
}

// Cuts single grids out of all polygons and remembers the last few.
function createCutter(): (polygons: Polygons, grid: number) => Polygons {
  let source: Polygons | null = null;
  let known = new Map<number, Polygons>();
  return (polygons, grid) => {
    if (source !== polygons || known.size > 64) known = new Map();
    source = polygons;
    const found = known.get(grid) ?? takeFeature(polygons, grid);
    known.set(grid, found);
    return found;
  };
}
