/** Reads, indexes and draws off the page's thread, one tile at a time, so that input is never blocked. */

import { ApiError, basePath, type Client, cellsPath, createClient } from "../api/client";
import { type GridFeature, type GridProperties, retiredGrid } from "../api/types";
import { decodeBundle, takeArray } from "../api/wgb1";
import { type BoxIndex, buildBoxIndex, queryBoxIndex } from "../kernels/boxindex";
import { boxesOf, featureVertexStart, flattenGeoJson, type Polygons, takeFeature, undelta, WORLD } from "../kernels/geometry";
import { rasterise } from "../kernels/raster";
import { type Base, type BaseMeta, drawBase, readBase } from "./basemap";
import { Editing } from "./editing";
import { drawAreaLines, drawGridLines } from "./gridlines";
import { drawLabels, FONT } from "./labelpen";
import type { Pen } from "./pen";
import { type Measure, placeLabels } from "./placing";
import type { FromWorker, LineStyle, TileRequest, ToWorker, ViewRequest } from "./protocol";
import { GridShapes } from "./shapes";

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;

interface CellsMeta {
  revision: number;
  grids: string[];
}

interface Cells extends Polygons {
  index: BoxIndex;
}

interface Scene {
  load: number;
  base: Base | null;
  cells: Cells | null;
  gridOf: Int32Array;
  grids: GridShapes | null;
  properties: GridProperties[];
  editing: Editing | null;
}

const emptyScene = (load: number): Scene => ({
  load,
  base: null,
  cells: null,
  gridOf: new Int32Array(0),
  grids: null,
  properties: [],
  editing: null,
});

let scene = emptyScene(0);
/** What is loaded behind the scene that is shown. */
let coming: Scene | null = null;
let style: LineStyle = { theme: "light", borders: [] };
const waiting = new Map<string, TileRequest>();
let view: ViewRequest | null = null;
let busy = false;

const now = (): number => performance.timeOrigin + performance.now();

scope.onmessage = ({ data }) => {
  if (data.type === "load") void load(data);
  else if (data.type === "swap") swap(data.load);
  else if (data.type === "style") style = data.style;
  else if (data.type === "cancel") waiting.delete(data.key);
  else if (data.type === "tile") waiting.set(data.key, data);
  else if (data.type === "outline") answerOutline(data.load, data.cellIx);
  else if (data.type === "edit") beginEditing(data.load);
  else if (data.type === "assign") {
    if (data.load === scene.load) scene.editing?.assign(data.cells, data.grids, data.looks, data.done);
  }
  else view = data;
  if (!busy) next();
};

// Work is taken one piece at a time through the message queue, so that a cancelled tile is never drawn.
const pump = new MessageChannel();
pump.port1.onmessage = () => work();

function next(): void {
  busy = waiting.size > 0 || view !== null || scene.editing?.busy === true;
  if (busy) pump.port2.postMessage(null);
}

function work(): void {
  if (scene.editing?.urgent || (!view && waiting.size === 0)) advanceEditing();
  else if (view) {
    const asked = view;
    view = null;
    if (asked.load === scene.load) answerLabels(asked);
  } else {
    const first = mostWanted();
    if (first) {
      waiting.delete(first.key);
      const of = first.load === coming?.load ? coming : scene;
      if (first.load === of.load) answerTile(first, of);
    }
  }
  next();
}

function beginEditing(load: number): void {
  const { cells, grids, gridOf, properties } = scene;
  if (load !== scene.load || !cells || !grids) return;
  scene.editing = new Editing({ cells, gridOf, shapes: grids, properties });
  const boxes = cells.index.boxes.slice();
  scope.postMessage({ type: "boxes", load, boxes }, [boxes.buffer]);
}

function advanceEditing(): void {
  const shapes = scene.editing?.work() ?? [];
  if (shapes.length > 0) scope.postMessage({ type: "shapes", load: scene.load, shapes });
}

// What can be clicked first, then what lies under it, then borders that only change their colour.
function mostWanted(): TileRequest | undefined {
  let best: TileRequest | undefined;
  const rank = (tile: TileRequest): number => (tile.layer === "base" ? 1 : tile.ids ? 0 : 2);
  for (const tile of waiting.values()) if (!best || rank(tile) < rank(best)) best = tile;
  return best;
}

function swap(load: number): void {
  if (coming?.load !== load) return;
  scene = coming;
  coming = null;
}

async function load(order: Extract<ToWorker, { type: "load" }>): Promise<void> {
  const mine = emptyScene(order.load);
  if (order.behind) coming = mine;
  else {
    scene = mine;
    coming = null;
    waiting.clear();
  }
  const client = createClient(order.root);
  const received = [0, 0];
  const report = (part: number) => (bytes: number) => {
    received[part] = bytes;
    scope.postMessage({ type: "progress", load: order.load, received: received[0] + received[1] });
  };
  await Promise.all([
    guard(order.load, "base", async () => {
      const buffer = await client.binary(basePath(order.datasetId), report(0));
      mine.base = readBase(decodeBundle<BaseMeta>(buffer));
      scope.postMessage({ type: "base", load: order.load });
    }),
    guard(order.load, "plan", () => loadPlan(client, order.planId, mine, report(1))),
  ]);
}

async function loadPlan(client: Client, planId: string, mine: Scene, onBytes: (bytes: number) => void): Promise<void> {
  const [features, buffer] = await Promise.all([client.grids(planId), client.binary(cellsPath(planId), onBytes)]);
  const arrived = now();
  const bundle = decodeBundle<CellsMeta>(buffer);
  const { properties, geometries } = byGridIx(bundle.meta.grids, features);
  mine.properties = properties;
  const polygons = flattenGeoJson(geometries);
  mine.grids = new GridShapes(polygons);
  scope.postMessage({ type: "grids", load: mine.load, properties, polygons });
  const ringStart = takeArray(bundle, "ring_start", Uint32Array);
  const coords = undelta(takeArray(bundle, "coords", Int32Array), ringStart);
  const decoded = now();
  const flat = { coords, ringStart, featureStart: takeArray(bundle, "cell_ring_start", Uint32Array) };
  mine.cells = { ...flat, index: indexOf(flat) };
  const gridIx = takeArray(bundle, "grid_ix", Int32Array).slice();
  mine.gridOf = gridIx.slice();
  const timings = { arrived, decoded, indexed: now() };
  scope.postMessage({ type: "cells", load: mine.load, gridIx, revision: bundle.meta.revision, timings }, [gridIx.buffer]);
}

// Row i is the grid with the number i; a grid that was dissolved has only its code.
function byGridIx(
  codes: string[],
  features: GridFeature[],
): { properties: GridProperties[]; geometries: GridFeature["geometry"][] } {
  const known = new Map(features.map((feature) => [feature.properties.code, feature]));
  const rows = codes.map((code) => known.get(code));
  return {
    properties: rows.map((row, ix) => row?.properties ?? retiredGrid(codes[ix])),
    geometries: rows.map((row) => row?.geometry ?? null),
  };
}

const indexOf = (polygons: Polygons): BoxIndex =>
  buildBoxIndex(boxesOf(polygons.coords, featureVertexStart(polygons)));

async function guard(load: number, what: "base" | "plan", job: () => Promise<void>): Promise<void> {
  try {
    await job();
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError("unreadable", 0, String((error as Error).message));
    scope.postMessage({ type: "failed", load, what, code: known.code, status: known.status, detail: known.message });
  }
}

function answerTile(request: TileRequest, scene: Scene): void {
  const { size, ratio, z, x, y, part } = request;
  const side = (request.side * WORLD) / 2 ** z;
  const canvas = new OffscreenCanvas(Math.max(1, part.right - part.left), Math.max(1, part.bottom - part.top));
  const context = canvas.getContext("2d");
  if (!context) return;
  context.translate(-part.left, -part.top);
  const pen: Pen = { context, x0: x * side, y0: y * side, scale: size / side, size, ratio, zoom: z, part };
  let ids: Int32Array | null = null;
  if (request.layer === "base") {
    if (!scene.base) return;
    drawBase(pen, scene.base, style.theme);
  } else {
    if (!scene.cells || !scene.grids) return;
    if (request.ids) {
      const found = queryBoxIndex(scene.cells.index, [pen.x0, pen.y0, pen.x0 + side, pen.y0 + side]);
      ids = rasterise(scene.cells, found, { x0: pen.x0, y0: pen.y0, step: side / size, size });
    }
    drawGridLines(pen, scene.grids, style);
    if (scene.base) drawAreaLines(pen, scene.base.areas, style);
  }
  const bitmap = canvas.transferToImageBitmap();
  const transfer: Transferable[] = ids ? [bitmap, ids.buffer] : [bitmap];
  scope.postMessage({ type: "tile", load: request.load, key: request.key, bitmap, ids }, transfer);
}

function answerOutline(load: number, cellIx: number): void {
  if (!scene.cells || load !== scene.load) return;
  const polygon = takeFeature(scene.cells, cellIx);
  scope.postMessage({ type: "outline", load, cellIx, polygon });
}

const ruler = new OffscreenCanvas(8, 8).getContext("2d");
const MOST_MEASURED = 20_000;
const measured = new Map<string, number>();
const measure: Measure = (text, font, bold) => {
  if (!ruler) return text.length * font;
  const key = `${bold ? 600 : 400} ${font} ${text}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  ruler.font = `${bold ? 600 : 400} ${font}px ${FONT}`;
  const { width } = ruler.measureText(text);
  if (measured.size >= MOST_MEASURED) measured.clear();
  measured.set(key, width);
  return width;
};

function answerLabels({ load, view: asked }: ViewRequest): void {
  const labels = placeLabels(asked, scene.properties, scene.grids?.index ?? null, scene.base, measure);
  const bitmap = drawLabels(asked, labels, style.theme, asked.locked);
  scope.postMessage({ type: "labels", load, view: asked, bitmap }, [bitmap]);
}
