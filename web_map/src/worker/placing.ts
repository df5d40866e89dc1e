/** Which labels a view shows, and where: grids first, then communities, main streets, building numbers. */

import type { GridProperties } from "../api/types";
import { type BoxIndex, queryBoxIndex } from "../kernels/boxindex";
import { type Box, lonLatToUnit } from "../kernels/geometry";
import { boxesAlong, type LabelBox, LabelSpace, placeAlong } from "../kernels/labels";
import { shortCode } from "../kernels/codes";
import { type Base, streetWidth } from "./basemap";
import type { PlacedLabel, View } from "./protocol";

/** Width of a text in pixels at a size and weight. */
export type Measure = (text: string, font: number, bold: boolean) => number;

const REPEAT = 420;

export function placeLabels(
  view: View,
  grids: GridProperties[],
  gridIndex: BoxIndex | null,
  base: Base | null,
  measure: Measure,
): PlacedLabel[] {
  const space = new LabelSpace();
  const labels: PlacedLabel[] = [];
  if (gridIndex) placeGrids(view, grids, gridIndex, space, measure, labels);
  if (base) {
    placeAreas(view, base, space, measure, labels);
    placeStreets(view, base, space, measure, labels);
    placeFacilities(view, base, space, measure, labels);
    placeNumbers(view, base, space, measure, labels);
  }
  return labels;
}

const boxOf = (view: View): Box => [
  view.x0,
  view.y0,
  view.x0 + view.width * view.step,
  view.y0 + view.height * view.step,
];

/** Size of a grid's label by zoom and by its own size on the screen; 0: too small for any. */
function gridFont(zoom: number, sidePx: number): number {
  if (sidePx < 20) return 0;
  const byZoom = zoom >= 16.5 ? 17 : zoom >= 15.5 ? 16 : zoom >= 14 ? 14.5 : 13;
  return sidePx < 34 ? 11 : Math.min(byZoom, 11 + sidePx / 24);
}

function placeGrids(
  view: View,
  grids: GridProperties[],
  index: BoxIndex,
  space: LabelSpace,
  measure: Measure,
  out: PlacedLabel[],
): void {
  const shown = queryBoxIndex(index, boxOf(view));
  // Those that need action come first, then the large.
  shown.sort(
    (a, b) => Number(grids[a].in_bounds) - Number(grids[b].in_bounds) || grids[b].area_m2 - grids[a].area_m2,
  );
  for (const i of shown) {
    const grid = grids[i];
    const [x, y] = lonLatToUnit(grid.label[0], grid.label[1]);
    const [px, py] = [(x - view.x0) / view.step, (y - view.y0) / view.step];
    const width = (index.boxes[4 * i + 2] - index.boxes[4 * i]) / view.step;
    const height = (index.boxes[4 * i + 3] - index.boxes[4 * i + 1]) / view.step;
    const font = gridFont(view.zoom, Math.min(width, height));
    if (font === 0) continue;
    const alert = !grid.in_bounds;
    const text = shortCode(grid.code);
    const detail = grid.households.toLocaleString("en-US");
    const head = measure(text, font, true) + (alert ? font * 0.9 : 0);
    const small = Math.max(10, font - 2);
    const both: LabelBox = {
      x: px,
      y: py,
      halfWidth: Math.max(head, measure(detail, small, false)) / 2 + 3,
      halfHeight: (font + small) / 2 + 4,
    };
    const alone: LabelBox = { x: px, y: py, halfWidth: head / 2 + 2, halfHeight: font / 2 + 2 };
    const roomy = Math.min(width, height) > 2.4 * font;
    const label: PlacedLabel = { kind: "grid", grid: i, text, alert, x, y, angle: 0, font };
    if (roomy && space.place([both])) out.push({ ...label, detail });
    else if (space.place([alone])) out.push(label);
  }
}

function placeAreas(view: View, base: Base, space: LabelSpace, measure: Measure, out: PlacedLabel[]): void {
  if (view.zoom > 16.5 || base.areasName.length < 2) return;
  const { boxes } = base.areas.index;
  for (const i of queryBoxIndex(base.areas.index, boxOf(view))) {
    const text = base.names[base.areasName[i]];
    if (!text) continue;
    const width = (boxes[4 * i + 2] - boxes[4 * i]) / view.step;
    const font = 12.5;
    const length = measure(text, font, true) + text.length;
    if (width < length * 0.9) continue;
    const [x, y] = [base.areasPole[2 * i], base.areasPole[2 * i + 1]];
    // The best place first, then a little above and below it, where a grid's label has left room.
    for (const shift of [0, -26, 26, -44, 44]) {
      const py = (y - view.y0) / view.step + shift;
      const box = { x: (x - view.x0) / view.step, y: py, halfWidth: length / 2 + 4, halfHeight: 9 };
      if (!space.place([box])) continue;
      out.push({ kind: "area", text, x, y: view.y0 + py * view.step, angle: 0, font });
      break;
    }
  }
}

function placeStreets(view: View, base: Base, space: LabelSpace, measure: Measure, out: PlacedLabel[]): void {
  const { streetNames: streets } = base;
  const shown = queryBoxIndex(streets.index, boxOf(view)).filter((line) => {
    const width = streetWidth(base.classes[streets.rank[line]], view.zoom);
    return width >= (streets.rank[line] >= 4 ? 3.2 : 4);
  });
  shown.sort((a, b) => streets.rank[b] - streets.rank[a] || a - b);
  const said = new Map<string, { x: number; y: number }[]>();
  for (const line of shown) {
    const text = base.names[streets.name[line]];
    if (!text) continue;
    const font = streets.rank[line] >= 5 ? 12 : 11;
    const length = measure(text, font, false) + 4;
    for (const run of visibleRuns(view, streets.coords, streets.lineStart[line], streets.lineStart[line + 1])) {
      const place = placeAlong(run, length);
      if (!place) continue;
      const before = said.get(text) ?? [];
      if (before.some((other) => Math.hypot(other.x - place.x, other.y - place.y) < REPEAT)) continue;
      if (!space.place(boxesAlong(place.x, place.y, length, font + 2, place.angle))) continue;
      said.set(text, [...before, place]);
      const x = view.x0 + place.x * view.step;
      const y = view.y0 + place.y * view.step;
      out.push({ kind: "street", text, x, y, angle: place.angle, font });
    }
  }
}

// Pieces of a line inside the view, in pixels.
function visibleRuns(view: View, coords: Int32Array, first: number, end: number): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  for (let v = first; v < end; v++) {
    const x = (coords[2 * v] - view.x0) / view.step;
    const y = (coords[2 * v + 1] - view.y0) / view.step;
    if (x >= 0 && y >= 0 && x <= view.width && y <= view.height) run.push(x, y);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  if (run.length > 0) runs.push(run);
  return runs.filter((points) => points.length >= 4);
}

function placeFacilities(view: View, base: Base, space: LabelSpace, measure: Measure, out: PlacedLabel[]): void {
  if (view.zoom < 17.5) return;
  const [x0, y0, x1, y1] = boxOf(view);
  for (let i = 0; 2 * i < base.facilities.length; i++) {
    const [x, y] = [base.facilities[2 * i], base.facilities[2 * i + 1]];
    const text = base.names[base.facilitiesName[i]];
    if (!text || x < x0 || y < y0 || x > x1 || y > y1) continue;
    const [px, py] = [(x - view.x0) / view.step, (y - view.y0) / view.step];
    const length = measure(text, 10.5, false);
    const dot = { x: px, y: py, halfWidth: 4, halfHeight: 4 };
    const words = { x: px, y: py + 12, halfWidth: length / 2 + 2, halfHeight: 7 };
    if (space.place([dot, words])) out.push({ kind: "facility", text, x, y, angle: 0, font: 10.5 });
  }
}

function placeNumbers(view: View, base: Base, space: LabelSpace, measure: Measure, out: PlacedLabel[]): void {
  if (view.zoom < 18) return;
  const { boxes } = base.buildings.index;
  for (const i of queryBoxIndex(base.buildings.index, boxOf(view))) {
    const text = base.names[base.buildingsLabel[i]];
    if (!text) continue;
    const width = (boxes[4 * i + 2] - boxes[4 * i]) / view.step;
    const font = 10.5;
    const length = measure(text, font, false);
    if (length > width * 1.4) continue;
    const x = (boxes[4 * i] + boxes[4 * i + 2]) / 2;
    const y = (boxes[4 * i + 1] + boxes[4 * i + 3]) / 2;
    const box = { x: (x - view.x0) / view.step, y: (y - view.y0) / view.step, halfWidth: length / 2 + 1, halfHeight: 7 };
    if (space.place([box])) out.push({ kind: "number", text, x, y, angle: 0, font });
  }
}
