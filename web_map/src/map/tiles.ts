/** Leaflet layers whose tiles are drawn by the worker. */

import L from "leaflet";
import { type Box, WORLD } from "../kernels/geometry";
import { type CellPalette, paint, type PixelBox } from "../kernels/palette";
import { NOTHING } from "../kernels/raster";
import { spreadOverTiles, tileKey } from "../kernels/tilespread";
import type { Engine, TileAnswer } from "../worker/engine";
import type { TileLayer } from "../worker/protocol";
import { afterFrame } from "./frame";
import { mapLevel, mapZoom } from "./zoom";

/** Pixels of the page a side: few enough tiles that the browser joins them quickly, small enough that little is drawn in vain. */
const TILE = 384;

/** Sides of a tile in those of the usual tiles, of which 2^z are as wide as the world. */
const SIDE = TILE / 256;

/** Pixels of the device a side of a tile; more than two a pixel of the page show nothing more. */
function tilePixels(): number {
  return Math.round(TILE * Math.min(2, Math.max(1, globalThis.devicePixelRatio || 1)));
}

interface Tile {
  coords: L.Coords;
  canvas: HTMLCanvasElement;
  /** The last picture of the worker where more than that is shown, else null, and the colours below it. */
  lines: HTMLCanvasElement | null;
  image: ImageData | null;
  ids: Int32Array | null;
  /** Key of the wish that is on its way, and what will be out of date when its answer comes. */
  asked: string | null;
  stale: PixelBox | null;
  /** Tells Leaflet that the tile can be shown; called with the first answer. */
  done: () => void;
  /** What the tile will show after a swap, once it is there. */
  next: TileAnswer | null;
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

/** Milliseconds of a frame that what can wait may take. */
const WORKING_MS = 6;

/** Tiles of one kind; empty until `ready` is set, and drawn again by `refresh` without a flash. */
class WorkerTiles extends L.GridLayer {
  ready = false;
  protected readonly tiles = new Map<string, Tile>();
  /** A level whose tiles are shown together, once all of them are there. */
  private held: Level | null = null;
  private readonly awaited = new Set<string>();
  private onSettled: (() => void) | null = null;
  private serial = 0;
  private waiting: (() => void)[] = [];

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
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = tilePixels();
    const shown = (): void => done(undefined, canvas);
    const tile: Tile = { canvas, lines: null, image: null, coords, ids: null, asked: null, stale: null, done: shown, next: null };
    this.tiles.set(placeKey(coords), tile);
    if (this.ready) this.ask(tile, wholeOf(tile), true);
    else setTimeout(() => this.tell(tile));
    return canvas;
  }

  /** Ask for all tiles again; what is shown stays until the new one is there. */
  refresh(ids: boolean): void {
    for (const tile of this.tiles.values()) this.ask(tile, wholeOf(tile), ids);
    this.settle();
  }

  /** Other data stand in the worker: ask for all tiles again; what was on its way does not come. */
  protected renew(): void {
    for (const tile of this.tiles.values()) this.ask(tile, wholeOf(tile), true);
    this.settle();
  }

  /** Have all tiles drawn as they will be after a swap, and call back when they are there. */
  prepare(done: () => void): void {
    let open = 1;
    const count = (): void => void (--open === 0 && done());
    for (const tile of this.tiles.values()) {
      open++;
      tile.next?.bitmap.close();
      tile.next = null;
      const wish = this.wishFor(tile, wholeOf(tile), true);
      this.engine.tile(wish, (answer) => {
        if (this.tiles.get(placeKey(tile.coords)) === tile) tile.next = answer;
        else answer.bitmap.close();
        count();
      }, true); // prettier-ignore
    }
    count();
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

  /** Show what has come for a part of a tile; `painted` says whether the colours below it stay. */
  protected show(tile: Tile, picture: ImageBitmap, _part: PixelBox, _painted: boolean): void {
    tile.canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(picture);
  }

  /** Colour a tile whose raster has come; of the grids only. */
  protected paint(_tile: Tile): void {
    // The base map has all its colours from the worker.
  }

  /** Ask for the lines near boxes (four numbers each, in units) again. */
  refreshIn(boxes: ArrayLike<number>): void {
    for (const [tile, part] of touched(this.tiles.values(), boxes, LINES)) this.ask(tile, part, false);
  }

  private wishFor(tile: Tile, part: PixelBox, ids: boolean): Parameters<Engine["tile"]>[0] {
    const { x, y, z } = tile.coords;
    const size = tile.canvas.width;
    const key = `${this.kind} ${++this.serial}`;
    return { key, layer: this.kind, z: mapZoom(z), x, y, side: SIDE, size, ratio: size / TILE, ids, part };
  }

  protected ask(tile: Tile, part: PixelBox, ids: boolean): void {
    const wanted = ids || !tile.ids;
    if (tile.asked !== null && !ids) {
      tile.stale = tile.stale ? around(tile.stale, part) : part;
      return;
    }
    if (tile.asked !== null) this.drop(tile.asked);
    const wish = this.wishFor(tile, part, wanted);
    const { key } = wish;
    tile.asked = key;
    this.awaited.add(key);
    this.engine.tile(wish, (answer) => {
      tile.asked = null;
      if (answer.ids) tile.ids = answer.ids;
      this.show(tile, answer.bitmap, part, answer.ids === null);
      if (answer.ids) this.later(() => this.paint(tile), () => this.finish(key, tile));
      else this.finish(key, tile);
      if (!tile.stale) return;
      const again = tile.stale;
      tile.stale = null;
      this.ask(tile, again, false);
    });
  }

  private finish(key: string, tile: Tile): void {
    this.tell(tile);
    this.settle(key);
  }

  protected tell(tile: Tile): void {
    tile.done();
    tile.done = () => undefined;
  }

  /** Do what takes time and can wait, a little in every frame, so that the hand never waits for much. */
  protected later(work: () => void, then: () => void = () => undefined): void {
    this.waiting.push(() => {
      work();
      then();
    });
    if (this.waiting.length === 1) afterFrame(() => this.workOff());
  }

  private workOff(): void {
    const began = performance.now();
    let count = 0;
    while (count < this.waiting.length && (count === 0 || performance.now() - began < WORKING_MS)) this.waiting[count++]();
    this.waiting.splice(0, count);
    if (this.waiting.length > 0) afterFrame(() => this.workOff());
  }

  protected drop(key: string): void {
    this.engine.cancel(key);
    this.awaited.delete(key);
  }

  protected settle(key = ""): void {
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
    this.tiles.delete(placeKey(coords));
    tile.next?.bitmap.close();
    if (tile.asked !== null) this.drop(tile.asked);
    this.settle();
  }
}

const wholeOf = ({ canvas: { width } }: Tile): PixelBox => ({ left: 0, top: 0, right: width, bottom: width });

const around = (a: PixelBox, b: PixelBox): PixelBox => ({
  left: Math.min(a.left, b.left),
  top: Math.min(a.top, b.top),
  right: Math.max(a.right, b.right),
  bottom: Math.max(a.bottom, b.bottom),
});

/** Units a side of a tile at a zoom. */
const sideAt = (level: number): number => (SIDE * WORLD) / 2 ** mapZoom(level);

type Frame = [x0: number, y0: number, x1: number, y1: number];

/** What a tile covers, in units. */
function frameOf({ coords: { x, y, z } }: Kept): Frame {
  const side = sideAt(z);
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
    const side = sideAt(z);
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

  /** Other base data stand in the worker. */
  swap(): void {
    this.renew();
  }
}

/** The grids: each tile keeps which cell owns each pixel and is coloured from a palette. */
export class GridTiles extends WorkerTiles {
  private palette: CellPalette | null = null;
  private turn = 0;

  constructor(engine: Engine) {
    super(engine, "grids", { pane: "tilePane", className: "tiles-grids", zIndex: 2 });
  }

  /** Colour all that is in sight at once from what the tiles already hold, and the rest after that. */
  recolour(palette: CellPalette): void {
    this.palette = palette;
    const turn = ++this.turn;
    for (const tile of this.tiles.values()) {
      const seen = this.inSight(tile);
      if (seen) this.paint(tile, seen);
      const size = tile.canvas.width;
      if (seen && seen.left <= 0 && seen.top <= 0 && seen.right >= size && seen.bottom >= size) continue;
      this.later(() => turn === this.turn && this.paint(tile));
    }
  }

  /** Other cells stand in the worker: show what was prepared, all in this frame; what was not is asked for. */
  swap(palette: CellPalette): void {
    for (const tile of this.tiles.values()) {
      const { next } = tile;
      tile.next = null;
      tile.ids = next?.ids ?? null;
      if (!next) {
        this.ask(tile, wholeOf(tile), true);
        continue;
      }
      if (tile.asked !== null) this.drop(tile.asked);
      tile.asked = tile.stale = null;
      this.show(tile, next.bitmap, wholeOf(tile), false);
      this.tell(tile);
    }
    this.recolour(palette);
    this.settle();
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

  // The part of a tile of the present zoom that is in sight; null where it is none.
  private inSight({ coords: { x, y, z }, canvas }: Tile): PixelBox | null {
    const map = this._map;
    if (!map || z !== map.getZoom()) return null;
    const { min, max } = map.getPixelBounds();
    if (!min || !max) return null;
    const size = canvas.width;
    const pixel = (place: number): number => Math.min(size, Math.max(0, (place * size) / TILE));
    const [left, top] = [Math.floor(pixel(min.x - x * TILE)), Math.floor(pixel(min.y - y * TILE))];
    const [right, bottom] = [Math.ceil(pixel(max.x - x * TILE)), Math.ceil(pixel(max.y - y * TILE))];
    return left < right && top < bottom ? { left, top, right, bottom } : null;
  }

  protected override show(tile: Tile, picture: ImageBitmap, part: PixelBox, painted: boolean): void {
    if (!tile.lines) {
      tile.lines = document.createElement("canvas");
      tile.lines.width = tile.lines.height = tile.canvas.width;
    }
    const context = tile.lines.getContext("2d");
    context?.clearRect(part.left, part.top, part.right - part.left, part.bottom - part.top);
    context?.drawImage(picture, part.left, part.top);
    picture.close();
    if (!painted) return;
    // A few lines that the hand has moved come at once; many tiles at a time would hold a frame up.
    if (part.right - part.left < tile.canvas.width) this.compose(tile, part);
    else this.later(() => this.compose(tile, part));
  }

  protected override paint(tile: Tile, part: PixelBox = wholeOf(tile)): void {
    if (!this.palette || !tile.ids) return;
    const size = tile.canvas.width;
    tile.image ??= new ImageData(size, size);
    paint(tile.ids, size, this.palette, new Uint32Array(tile.image.data.buffer), size / TILE, part);
    this.compose(tile, part);
  }

  // Colours below, lines above.
  private compose({ canvas, image, lines }: Tile, { left, top, right, bottom }: PixelBox): void {
    const context = canvas.getContext("2d");
    const [width, height] = [right - left, bottom - top];
    if (!context || !image || !lines || width <= 0 || height <= 0) return;
    context.putImageData(image, 0, 0, left, top, width, height);
    context.drawImage(lines, left, top, width, height, left, top, width, height);
  }
}
