/** Ties the map to the state: what is selected is marked, what is clicked is selected. */

import { effect, untracked } from "@preact/signals";
import {
  buildPalette,
  css,
  darker,
  gridColour,
  type GridPixels,
  lighter,
  pixel,
  type Rgb,
} from "../kernels/palette";
import type { Polygons } from "../kernels/geometry";
import { takeFeature } from "../kernels/geometry";
import type { State } from "../state/state";
import type { Timings } from "../state/timings";
import type { Engine } from "../worker/engine";
import type { Theme } from "../worker/protocol";
import type { MapView } from "./adapter";

const OUTSIDE: Record<Theme, GridPixels> = {
  light: { fill: pixel([208, 205, 198], 0.28), hatch: 0 },
  dark: { fill: pixel([12, 14, 17], 0.55), hatch: 0 },
};
const UNASSIGNED: GridPixels = { fill: pixel([255, 255, 255], 0.35), hatch: pixel([90, 90, 90], 0.6) };
const NEUTRAL: Rgb = [88, 88, 86];

/** Colour of the border and of the marks of a grid. */
function borderTone(state: State, grid: number): Rgb {
  if (state.mode.value !== "grid") return state.theme.value === "dark" ? [200, 198, 192] : NEUTRAL;
  const properties = state.grids.value[grid];
  const colour = gridColour("grid", properties, state.bounds.value, []);
  return state.theme.value === "dark" ? lighter(colour) : darker(colour, 0.35);
}

function fillsOf(state: State): GridPixels[] {
  const { value: mode } = state.mode;
  const alpha = mode === "grid" ? 0.36 : mode === "deviation" ? 0.5 : 0.58;
  return state.grids.value.map((grid) => {
    const colour = gridColour(mode, grid, state.bounds.value, state.breaks.value);
    const line = state.theme.value === "dark" ? lighter(colour) : darker(colour, 0.4);
    return { fill: pixel(colour, alpha), hatch: grid.in_bounds ? 0 : pixel(line, 0.62) };
  });
}

export function connectMap(state: State, map: MapView, engine: Engine, timings: Timings): void {
  let drawnFor: Int32Array | null = null;
  let theme = state.theme.peek();
  engine.style({ theme, borders: [] });

  effect(() => {
    const gridIx = state.gridIx.value;
    if (!gridIx) return;
    const before = performance.now();
    const none = OUTSIDE[state.theme.value];
    const palette = buildPalette(gridIx, fillsOf(state), none, UNASSIGNED);
    const borders = state.grids.value.map((_, grid) => css(borderTone(state, grid)));
    engine.style({ theme: state.theme.value, borders });
    map.recolour(palette);
    timings.set("recolour_ms", performance.now() - before);
    if (drawnFor === gridIx) map.redrawLines();
    else map.gridsReady();
    drawnFor = gridIx;
  });

  effect(() => {
    if (state.theme.value === theme) return;
    theme = state.theme.value;
    const borders = untracked(() => state.grids.value.map((_, grid) => css(borderTone(state, grid))));
    engine.style({ theme, borders });
    map.redrawAll();
  });

  const cut = createCutter();
  effect(() => {
    const { value: polygons } = state.polygons;
    const mark = (grid: number | null) =>
      grid === null || !polygons || !state.grids.value[grid]
        ? null
        : { polygon: cut(polygons, grid), colour: css(borderTone(state, grid)) };
    const spot = state.spot.value;
    const selected = mark(state.selected.value);
    map.mark({
      theme: state.theme.value,
      hovered: mark(state.hovered.value),
      selected: selected && state.mode.value !== "grid" ? { ...selected, colour: "#1f6feb" } : selected,
      cell: state.cellOutline.value,
      pin: spot?.pin ? [spot.lon, spot.lat] : null,
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
