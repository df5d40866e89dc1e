/** Draws the phone's map: the store's base map, the border of the grid, the case and the phone with their accuracy. */

import { flattenGeoJson, lonLatToUnit, type Polygons, unitToLonLat, unitsPerMetre, WORLD } from "../kernels/geometry";
import { type Base, drawBase } from "../worker/basemap";
import { writeLabels } from "../worker/labelpen";
import { type Context, type Pen, traceFeature } from "../worker/pen";
import { placeLabels } from "../worker/placing";
import type { Theme, View } from "../worker/protocol";
import type { Position } from "./place";

/** What is looked at: the middle in units, and the zoom (256 pixels a tile). */
export interface Look {
  x: number;
  y: number;
  zoom: number;
}

export interface Scene {
  base: Base | null;
  border: Polygons | null;
  /** The case, or the place that is reported. */
  spot: Position | null;
  me: Position | null;
  theme: Theme;
}

export const LEAST_ZOOM = 12;
export const MOST_ZOOM = 20;

/** Pixels of the page for a unit. */
export const scaleOf = (zoom: number): number => (256 * 2 ** zoom) / WORLD;

export const borderOf = (geometry: { type: string; coordinates: unknown } | null): Polygons | null =>
  geometry ? flattenGeoJson([geometry]) : null;

/** A look that shows some places, no closer than a street corner. */
export function lookAt(places: readonly Position[], width: number, height: number): Look | null {
  if (places.length === 0) return null;
  const points = places.map(({ lon, lat }) => lonLatToUnit(lon, lat));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const margin = 0.7;
  const zoom = Math.log2(
    (Math.min((width * margin) / Math.max(1, x1 - x0), (height * margin) / Math.max(1, y1 - y0)) * WORLD) / 256,
  );
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, zoom: Math.max(LEAST_ZOOM, Math.min(17.5, zoom)) };
}

/** The place under a point of the picture, in pixels of the page from its upper left corner. */
export function placeAt(look: Look, px: number, py: number, width: number, height: number): [lon: number, lat: number] {
  const scale = scaleOf(look.zoom);
  return unitToLonLat(look.x + (px - width / 2) / scale, look.y + (py - height / 2) / scale);
}

export function draw(canvas: HTMLCanvasElement, look: Look, scene: Scene): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  if (width === 0 || height === 0) return;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d") as unknown as Context | null;
  if (!context) return;
  const scale = scaleOf(look.zoom);
  const view: View = {
    x0: look.x - width / 2 / scale,
    y0: look.y - height / 2 / scale,
    step: 1 / scale,
    width,
    height,
    zoom: look.zoom,
  };
  const pen: Pen = {
    context,
    x0: view.x0,
    y0: view.y0,
    scale: scale * ratio,
    size: Math.max(canvas.width, canvas.height),
    ratio,
    zoom: look.zoom,
    part: { left: 0, top: 0, right: canvas.width, bottom: canvas.height },
  };
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (scene.base) drawBase(pen, scene.base, scene.theme);
  else {
    context.fillStyle = scene.theme === "dark" ? "#23272d" : "#f6f5f1";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  if (scene.border) drawBorder(pen, scene.border, scene.theme);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (scene.base) {
    const measure = (text: string, font: number, bold: boolean): number => {
      context.font = `${bold ? 700 : 400} ${font}px system-ui, sans-serif`;
      return context.measureText(text).width;
    };
    writeLabels(context, view, placeLabels(view, [], null, scene.base, measure), scene.theme, new Set());
  }
  if (scene.me) drawMe(context, view, scene.me);
  if (scene.spot) drawSpot(context, view, scene.spot);
}

function drawBorder(pen: Pen, border: Polygons, theme: Theme): void {
  const { context, ratio } = pen;
  context.beginPath();
  traceFeature(pen, border, 0);
  context.strokeStyle = theme === "dark" ? "rgba(20, 23, 27, 0.8)" : "rgba(255, 255, 255, 0.9)";
  context.lineWidth = 7 * ratio;
  context.stroke();
  context.strokeStyle = theme === "dark" ? "#c58af0" : "#7a3aa8";
  context.lineWidth = 3 * ratio;
  context.stroke();
}

function pixelOf(view: View, { lon, lat, accuracy }: Position): [x: number, y: number, radius: number] {
  const [x, y] = lonLatToUnit(lon, lat);
  return [(x - view.x0) / view.step, (y - view.y0) / view.step, (accuracy * unitsPerMetre(y)) / view.step];
}

function disc(context: Context, x: number, y: number, radius: number, fill: string, edge: string, width: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = edge;
  context.lineWidth = width;
  context.stroke();
}

function drawMe(context: Context, view: View, me: Position): void {
  const [x, y, radius] = pixelOf(view, me);
  disc(context, x, y, Math.max(radius, 9), "rgba(31, 111, 235, 0.16)", "rgba(31, 111, 235, 0.6)", 1);
  disc(context, x, y, 7, "#1f6feb", "#fff", 2.5);
}

function drawSpot(context: Context, view: View, spot: Position): void {
  const [x, y, radius] = pixelOf(view, spot);
  if (radius > 8) disc(context, x, y, radius, "rgba(179, 38, 30, 0.12)", "rgba(179, 38, 30, 0.65)", 1);
  // A pin whose foot stands on the place.
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 8, y - 16);
  context.arc(x, y - 20, 9, 0.85 * Math.PI, 2.15 * Math.PI);
  context.closePath();
  context.fillStyle = "#b3261e";
  context.fill();
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.stroke();
  context.beginPath();
  context.arc(x, y - 20, 3, 0, 2 * Math.PI);
  context.fillStyle = "#fff";
  context.fill();
}
