/** Leaflet layers whose tiles are drawn by the worker. */

import L from "leaflet";
import { WORLD } from "../kernels/geometry";
import { type CellPalette, paint, type PixelBox } from "../kernels/palette";
import { NOTHING } from "../kernels/raster";
import type { Engine } from "../worker/engine";
import type { TileLayer } from "../worker/protocol";
import { mapZoom } from "./zoom";

const TILE = 256;

/** Pixels of the device a side of a tile; more than two a pixel of the page show nothing more. */
function tilePixels(): number {
  return Math.round(TILE * Math.min(2, Math.max(1, globalThis.devicePixelRatio || 1)));
}

interface Tile {
  key: string;
  canvas: HTMLCanvasElement;
  coords: L.Coords;
  bitmap: ImageBitmap | null;
  ids: Int32Array | null;
  /** Whether an answer is on its way, and whether it will be out of date when it comes. */
  asked: boolean;
  stale: boolean;
}

/** Tiles of one kind; empty until `ready` is set, and drawn again by `refresh` without a flash. */
class WorkerTiles extends L.GridLayer {
  ready = false;
  protected readonly tiles = new Map<string, Tile>();
  private readonly awaited = new Set<string>();
  private onSettled: (() => void) | null = null;
  private serial = 0;

  constructor(
    private readonly engine: Engine,
    private readonly kind: TileLayer,
    options: L.GridLayerOptions,
  ) {
    super({ tileSize: TILE, updateWhenZooming: false, updateWhenIdle: false, keepBuffer: 1, noWrap: true, ...options });
    this.on("tileunload", (event) => this.forget((event as L.TileEvent).coords));
  }

  protected override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = tilePixels();
    const tile: Tile = { key: `${this.kind} ${++this.serial}`, canvas, coords, bitmap: null, ids: null, asked: false, stale: false };
    this.tiles.set(placeKey(coords), tile);
    if (this.ready) this.ask(tile, true, () => done(undefined, canvas));
    else setTimeout(() => done(undefined, canvas));
    return canvas;
  }

  /** Ask for all tiles again; what is shown stays until the new one is there. */
  refresh(ids: boolean): void {
    for (const tile of this.tiles.values()) this.ask(tile, ids, () => undefined);
    this.settle();
  }

  /** Call once when no tile is being waited for. */
  whenSettled(done: () => void): void {
    this.onSettled = done;
    this.settle();
  }

  protected show(tile: Tile): void {
    const context = tile.canvas.getContext("2d");
    if (context && tile.bitmap) context.drawImage(tile.bitmap, 0, 0);
  }

  /** Ask for the lines of those tiles again that show any of the boxes (four numbers each, in units). */
  refreshIn(boxes: ArrayLike<number>): void {
    for (const tile of this.tiles.values()) if (pixelsOf(tile, boxes, LINES)) this.ask(tile, false, () => undefined);
  }

  private ask(tile: Tile, ids: boolean, done: () => void): void {
    if (tile.asked && !ids) {
      tile.stale = true;
      return;
    }
    const { x, y } = tile.coords;
    const z = mapZoom(tile.coords.z);
    const size = tile.canvas.width;
    const wanted = ids || !tile.ids;
    tile.asked = true;
    this.awaited.add(tile.key);
    this.engine.tile({ key: tile.key, layer: this.kind, z, x, y, size, ratio: size / TILE, ids: wanted }, (answer) => {
      tile.asked = false;
      tile.bitmap?.close();
      tile.bitmap = answer.bitmap;
      if (answer.ids) tile.ids = answer.ids;
      this.show(tile);
      done();
      this.settle(tile.key);
      if (!tile.stale) return;
      tile.stale = false;
      this.ask(tile, false, () => undefined);
    });
  }

  private settle(key = ""): void {
    this.awaited.delete(key);
    if (this.awaited.size > 0) return;
    this.onSettled?.();
    this.onSettled = null;
  }

  private forget(coords: L.Coords): void {
    const tile = this.tiles.get(placeKey(coords));
    if (!tile) return;
    this.engine.cancel(tile.key);
    tile.bitmap?.close();
    this.tiles.delete(placeKey(coords));
    this.settle(tile.key);
  }
}

/** How far from a cell its borders reach, in pixels of the page. */
const LINES = 6;

/** The pixels of a tile that boxes may touch, with a margin in pixels of the page; null where it is none. */
function pixelsOf({ canvas, coords }: Tile, boxes: ArrayLike<number>, margin: number): PixelBox | null {
  const size = canvas.width;
  const side = WORLD / 2 ** mapZoom(coords.z);
  const scale = size / side;
  const more = (margin * side) / TILE;
  const [x0, y0] = [coords.x * side, coords.y * side];
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < boxes.length; at += 4) {
    if (boxes[at + 2] + more < x0 || boxes[at] - more > x0 + side) continue;
    if (boxes[at + 3] + more < y0 || boxes[at + 1] - more > y0 + side) continue;
    left = Math.min(left, boxes[at]);
    top = Math.min(top, boxes[at + 1]);
    right = Math.max(right, boxes[at + 2]);
    bottom = Math.max(bottom, boxes[at + 3]);
  }
  if (left > right) return null;
  const pixel = (units: number): number => Math.min(size, Math.max(0, units * scale));
  return {
    left: Math.floor(pixel(left - x0 - more)),
    top: Math.floor(pixel(top - y0 - more)),
    right: Math.ceil(pixel(right - x0 + more)),
    bottom: Math.ceil(pixel(bottom - y0 + more)),
  };
}

const placeKey = ({ x, y, z }: L.Coords): string => `${x}:${y}:${z}`;

export class BaseTiles extends WorkerTiles {
  constructor(engine: Engine) {
    super(engine, "base", { pane: "tilePane", className: "tiles-base" });
  }
}

/** The grids: each tile keeps which cell owns each pixel and is coloured from a palette. */
export class GridTiles extends WorkerTiles {
  private palette: CellPalette | null = null;
  private image: ImageData | null = null;

  constructor(engine: Engine) {
    super(engine, "grids", { pane: "tilePane", className: "tiles-grids", zIndex: 2 });
  }

  /** Colour all tiles at once from what they already hold. */
  recolour(palette: CellPalette): void {
    this.palette = palette;
    for (const tile of this.tiles.values()) this.show(tile);
  }

  /** Colour the pixels in boxes (four numbers each, in units) again, after the palette has changed there. */
  recolourIn(boxes: ArrayLike<number>): void {
    for (const tile of this.tiles.values()) {
      const pixels = pixelsOf(tile, boxes, 0);
      if (pixels) this.show(tile, pixels);
    }
  }

  /** The cell under a point, `NOTHING` outside of all cells, undefined where no tile is drawn yet. */
  cellAt(world: L.Point, level: number): number | undefined {
    const x = Math.floor(world.x / TILE);
    const y = Math.floor(world.y / TILE);
    const tile = this.tiles.get(`${x}:${y}:${level}`);
    if (!tile?.ids) return undefined;
    const size = tile.canvas.width;
    const column = Math.min(size - 1, Math.floor(((world.x - x * TILE) * size) / TILE));
    const row = Math.min(size - 1, Math.floor(((world.y - y * TILE) * size) / TILE));
    return tile.ids[row * size + column] ?? NOTHING;
  }

  protected override show(tile: Tile, pixels?: PixelBox): void {
    const context = tile.canvas.getContext("2d");
    const size = tile.canvas.width;
    if (!context || !this.palette || !tile.ids || !tile.bitmap) return;
    if (this.image?.width !== size) this.image = new ImageData(size, size);
    const { left, top, right, bottom } = pixels ?? { left: 0, top: 0, right: size, bottom: size };
    const [width, height] = [right - left, bottom - top];
    if (width <= 0 || height <= 0) return;
    const out = new Uint32Array(this.image.data.buffer);
    paint(tile.ids, size, this.palette, out, size / TILE, { left, top, right, bottom });
    context.putImageData(this.image, 0, 0, left, top, width, height);
    context.drawImage(tile.bitmap, left, top, width, height, left, top, width, height);
  }
}
