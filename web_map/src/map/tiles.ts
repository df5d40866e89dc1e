/** Leaflet layers whose tiles are drawn by the worker. */

import L from "leaflet";
import { type Box, WORLD } from "../kernels/geometry";
import { type CellPalette, paint, type PixelBox } from "../kernels/palette";
import { NOTHING } from "../kernels/raster";
import { spreadOverTiles, tileKey } from "../kernels/tilespread";
import type { Engine } from "../worker/engine";
import type { TileLayer } from "../worker/protocol";
import { mapLevel, mapZoom } from "./zoom";

const TILE = 256;

/** Pixels of the device a side of a tile; more than two a pixel of the page show nothing more. */
function tilePixels(): number {
  return Math.round(TILE * Math.min(2, Math.max(1, globalThis.devicePixelRatio || 1)));
}

interface Tile {
  key: string;
  coords: L.Coords;
  /** Shows the pictures of the worker as they come. */
  canvas: HTMLCanvasElement;
  /** The colours below them; of the grids only. */
  fill: HTMLCanvasElement | null;
  ids: Int32Array | null;
  /** Whether an answer is on its way, and whether it will be out of date when it comes. */
  asked: boolean;
  stale: boolean;
}

/** What Leaflet keeps of a tile, and of a level of tiles. */
interface Kept {
  coords: L.Coords;
  current: boolean;
  active?: boolean;
  retain?: boolean;
}
interface Level {
  el: HTMLElement;
}
interface Internals {
  _tiles: Record<string, Kept>;
  _level?: Level;
  _tileZoom?: number;
  _removeTile(key: string): void;
}

/** Milliseconds of a frame that painting tiles that have come may take. */
const PAINTING_MS = 6;

/** Tiles of one kind; empty until `ready` is set, and drawn again by `refresh` without a flash. */
class WorkerTiles extends L.GridLayer {
  ready = false;
  protected readonly tiles = new Map<string, Tile>();
  /** A level whose tiles are shown together, once all of them are there. */
  private held: Level | null = null;
  private readonly awaited = new Set<string>();
  private onSettled: (() => void) | null = null;
  private serial = 0;
  private arrived: (() => void)[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly kind: TileLayer,
    options: L.GridLayerOptions,
  ) {
    const zooms = { minZoom: mapLevel(0), maxZoom: mapLevel(20) };
    super({ tileSize: TILE, updateWhenZooming: false, updateWhenIdle: false, keepBuffer: 1, noWrap: true, ...zooms, ...options });
    this.on("tileunload", (event) => this.forget((event as L.TileEvent).coords));
  }

  /** Leaflet throws all tiles away before a step of zoom without animation; here they stay until others are there. */
  override getEvents(): Record<string, L.LeafletEventHandlerFn> {
    const { viewprereset: _dropped, ...events } = super.getEvents?.() as Record<string, L.LeafletEventHandlerFn>;
    return events;
  }

  protected override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const size = tilePixels();
    const { element, canvas, fill } = this.createElement(size);
    canvas.width = canvas.height = size;
    const key = `${this.kind} ${++this.serial}`;
    const tile: Tile = { key, canvas, fill, coords, ids: null, asked: false, stale: false };
    this.tiles.set(placeKey(coords), tile);
    if (this.ready) this.ask(tile, true, () => done(undefined, element));
    else setTimeout(() => done(undefined, element));
    return element;
  }

  protected createElement(_size: number): { element: HTMLElement; canvas: HTMLCanvasElement; fill: HTMLCanvasElement | null } {
    const canvas = document.createElement("canvas");
    return { element: canvas, canvas, fill: null };
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

  /** Called by Leaflet with a new level; where it lets through what is below, it waits for all of its tiles. */
  protected _onCreateLevel(level: Level): void {
    if (this.held) this.held.el.style.visibility = "";
    const shown = Object.values(this.internals._tiles).some((tile) => tile.active);
    this.held = shown && this.ready && this.kind === "grids" ? level : null;
    if (this.held) level.el.style.visibility = "hidden";
  }

  /** In place of Leaflet's own, which looks for parents at whole steps of zoom: what covers a tile that is waited for stays. */
  protected _pruneTiles(): void {
    const { _tiles: tiles, _tileZoom: level } = this.internals;
    const all = Object.values(tiles);
    const open = all.filter((tile) => tile.current && (!tile.active || this.held !== null)).map(frameOf);
    for (const [key, tile] of Object.entries(tiles)) {
      const stays = tile.active === true && tile.coords.z !== level && open.some((frame) => meets(frame, frameOf(tile)));
      if (!tile.current && !stays) this.internals._removeTile(key);
    }
  }

  private get internals(): Internals {
    return this as unknown as Internals;
  }

  protected paint(_tile: Tile): void {
    // Only grids have colours of their own.
  }

  /** Ask for the lines of those tiles again that show any of the boxes (four numbers each, in units). */
  refreshIn(boxes: ArrayLike<number>): void {
    for (const [tile] of touched(this.tiles.values(), boxes, LINES)) this.ask(tile, false, () => undefined);
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
      tile.canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(answer.bitmap);
      if (answer.ids) {
        tile.ids = answer.ids;
        this.later(tile, done);
      } else {
        done();
        this.settle(tile.key);
      }
      if (!tile.stale) return;
      tile.stale = false;
      this.ask(tile, false, () => undefined);
    });
  }

  // Tiles that have come are painted a few a frame, so that the hand never waits for many.
  private later(tile: Tile, done: () => void): void {
    const { ids } = tile;
    this.arrived.push(() => {
      if (ids === tile.ids) this.paint(tile);
      done();
      this.settle(tile.key);
    });
    if (this.arrived.length === 1) requestAnimationFrame(() => this.paintArrived());
  }

  private paintArrived(): void {
    const began = performance.now();
    let count = 0;
    while (count < this.arrived.length && (count === 0 || performance.now() - began < PAINTING_MS)) this.arrived[count++]();
    this.arrived.splice(0, count);
    if (this.arrived.length > 0) requestAnimationFrame(() => this.paintArrived());
  }

  private settle(key = ""): void {
    this.awaited.delete(key);
    if (this.awaited.size > 0) return;
    if (this.held) {
      this.held.el.style.visibility = "";
      this.held = null;
      this._pruneTiles();
    }
    this.onSettled?.();
    this.onSettled = null;
  }

  private forget(coords: L.Coords): void {
    const tile = this.tiles.get(placeKey(coords));
    if (!tile) return;
    this.engine.cancel(tile.key);
    this.tiles.delete(placeKey(coords));
    this.settle(tile.key);
  }
}

type Frame = [x0: number, y0: number, x1: number, y1: number];

/** What a tile covers, in units. */
function frameOf({ coords: { x, y, z } }: Kept): Frame {
  const side = WORLD / 2 ** mapZoom(z);
  return [x * side, y * side, (x + 1) * side, (y + 1) * side];
}

const meets = (a: Frame, b: Frame): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** How far from a cell its borders reach, in pixels of the page. */
const LINES = 6;

/** The pixels of those tiles that boxes (four numbers each, in units) touch, with a margin in pixels of the page. */
function* touched(tiles: Iterable<Tile>, boxes: ArrayLike<number>, margin: number): Iterable<[Tile, PixelBox]> {
  const levels = new Map<number, Map<number, Box>>();
  for (const tile of tiles) {
    const { x, y, z } = tile.coords;
    const side = WORLD / 2 ** mapZoom(z);
    let parts = levels.get(z);
    if (!parts) levels.set(z, (parts = spreadOverTiles(boxes, side, (margin * side) / TILE)));
    const part = parts.get(tileKey(x, y));
    if (!part) continue;
    const size = tile.canvas.width;
    const scale = size / side;
    const right = Math.min(size, Math.ceil((part[2] - x * side) * scale));
    const bottom = Math.min(size, Math.ceil((part[3] - y * side) * scale));
    yield [tile, { left: Math.floor((part[0] - x * side) * scale), top: Math.floor((part[1] - y * side) * scale), right, bottom }];
  }
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
    for (const tile of this.tiles.values()) this.paint(tile);
  }

  /** Colour the pixels in boxes (four numbers each, in units) again, after the palette has changed there. */
  recolourIn(boxes: ArrayLike<number>): void {
    for (const [tile, pixels] of touched(this.tiles.values(), boxes, 0)) this.paint(tile, pixels);
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

  protected override createElement(size: number): ReturnType<WorkerTiles["createElement"]> {
    const element = document.createElement("div");
    const [fill, canvas] = [document.createElement("canvas"), document.createElement("canvas")];
    fill.width = fill.height = size;
    element.append(fill, canvas);
    return { element, canvas, fill };
  }

  protected override paint(tile: Tile, pixels?: PixelBox): void {
    const { fill, ids } = tile;
    const context = fill?.getContext("2d");
    if (!fill || !context || !this.palette || !ids) return;
    const size = fill.width;
    if (this.image?.width !== size) this.image = new ImageData(size, size);
    const { left, top, right, bottom } = pixels ?? { left: 0, top: 0, right: size, bottom: size };
    const [width, height] = [right - left, bottom - top];
    if (width <= 0 || height <= 0) return;
    const out = new Uint32Array(this.image.data.buffer);
    paint(ids, size, this.palette, out, size / TILE, { left, top, right, bottom });
    context.putImageData(this.image, 0, 0, left, top, width, height);
  }
}
