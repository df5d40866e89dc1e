/**
 * A worker of its own for the plan in force: reads its grids, finds their borders, and draws those that a view shows: all
 * as dashes, or as dots those that the plan on the page has no longer. It shares nothing with the worker of the tiles, so that neither waits for the other.
 */

import { createClient } from "../api/client";
import { bordersOf } from "../kernels/borders";
import { type BoxIndex, buildBoxIndex, queryBoxIndex } from "../kernels/boxindex";
import { boxesOf, flattenGeoJson, type Lines } from "../kernels/geometry";
import { goneParts, Outlines } from "../kernels/oldborders";
import type { FromLines, LinesView, ToLines } from "./lineswords";
import type { Theme } from "./protocol";

interface Scope {
  postMessage(message: FromLines, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToLines>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const INKS: Record<Theme, { dash: string; casing: string }> = {
  light: { dash: "#6a1b9a", casing: "rgba(255, 255, 255, 0.85)" },
  dark: { dash: "#dba8ff", casing: "rgba(20, 23, 27, 0.8)" },
};
/** Pixels of the page around the view in which lines still count. */
const MARGIN = 8;

let load = 0;
let borders: (Lines & { index: BoxIndex }) | null = null;
let wanted: LinesView | null = null;
let outlines: Outlines | null = null;
/** Of each border what the plan on the page has no longer, as far as it was asked for. */
let gone: ([from: number, to: number][] | undefined)[] = [];

scope.onmessage = ({ data }) => {
  if (data.type === "load") void read(data);
  else if (data.type === "plan") {
    outlines = new Outlines(data.polygons);
    gone = [];
  } else if (data.type === "shapes") {
    for (const [grid, shape] of data.shapes)
      for (const box of outlines?.set(grid, shape) ?? [])
        for (const line of borders ? queryBoxIndex(borders.index, box) : []) delete gone[line];
  } else {
    // Of several views that wait only the last is drawn.
    if (!wanted) setTimeout(draw);
    wanted = data;
  }
};

async function read({ load: turn, root, planId }: Extract<ToLines, { type: "load" }>): Promise<void> {
  load = turn;
  borders = outlines = null;
  gone = [];
  try {
    const { plans, features } = await createClient(root).inForce(planId);
    if (load !== turn) return;
    const lines = bordersOf(flattenGeoJson(features.map(({ geometry }) => geometry)));
    borders = { ...lines, index: buildBoxIndex(boxesOf(lines.coords, lines.lineStart)) };
    scope.postMessage({ type: "loaded", load, plans: plans.map(String) });
  } catch {
    if (load === turn) scope.postMessage({ type: "loaded", load, plans: null });
  }
}

function draw(): void {
  const asked = wanted;
  wanted = null;
  if (!asked || !borders || asked.load !== load) return;
  const { view, ratio, theme } = asked;
  const canvas = new OffscreenCanvas(Math.ceil(view.width * ratio), Math.ceil(view.height * ratio));
  const context = canvas.getContext("2d");
  if (!context) return;
  const scale = ratio / view.step;
  const more = MARGIN * view.step;
  const right = view.x0 + view.width * view.step;
  const bottom = view.y0 + view.height * view.step;
  const shown = queryBoxIndex(borders.index, [view.x0 - more, view.y0 - more, right + more, bottom + more]);
  context.lineJoin = "round";
  context.beginPath();
  for (const line of shown)
    for (const [from, to] of asked.changes ? goneOf(line) : [wholeOf(borders, line)])
      trace(context, borders, from, to, view.x0, view.y0, scale);
  const width = ratio * (view.zoom >= 15 ? 2 : view.zoom >= 13 ? 1.6 : 1.2) * (asked.changes ? 1.4 : 1);
  context.lineWidth = width + 1.6 * ratio;
  context.strokeStyle = INKS[theme].casing;
  context.stroke();
  context.lineWidth = width;
  context.lineCap = asked.changes ? "round" : "butt";
  context.setLineDash(asked.changes ? [0.1 * ratio, 2.2 * width] : [6 * ratio, 4 * ratio]);
  context.strokeStyle = INKS[theme].dash;
  context.stroke();
  const bitmap = canvas.transferToImageBitmap();
  scope.postMessage({ type: "drawn", load, serial: asked.serial, bitmap }, [bitmap]);
}

const wholeOf = ({ lineStart }: Lines, line: number): [number, number] => [lineStart[line], lineStart[line + 1] - 1];

function goneOf(line: number): [number, number][] {
  if (!borders || !outlines) return [];
  return (gone[line] ??= goneParts(borders, line, outlines));
}

// The whole line even where only a part of it is in sight, so that the dashes stay where they are when the map moves.
function trace(
  context: OffscreenCanvasRenderingContext2D,
  { coords }: Lines,
  first: number,
  end: number,
  x0: number,
  y0: number,
  scale: number,
): void {
  let [lastX, lastY] = [Infinity, Infinity];
  for (let v = first; v <= end; v++) {
    const x = (coords[2 * v] - x0) * scale;
    const y = (coords[2 * v + 1] - y0) * scale;
    if (v === first) context.moveTo(x, y);
    else if (v < end && Math.abs(x - lastX) + Math.abs(y - lastY) < 0.5) continue;
    else context.lineTo(x, y);
    [lastX, lastY] = [x, y];
  }
}
