/** Leaflet layers whose tiles are drawn by the worker. */

import L from "leaflet";
import { type CellPalette, paint } from "../kernels/palette";
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
    const tile: Tile = { key: `${this.kind} ${++this.serial}`, canvas, coords, bitmap: null, ids: null };
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

  private ask(tile: Tile, ids: boolean, done: () => void): void {
    const { x, y } = tile.coords;
    const z = mapZoom(tile.coords.z);
    const size = tile.canvas.width;
    const wanted = ids || !tile.ids;
    this.awaited.add(tile.key);
    this.engine.tile({ key: tile.key, layer: this.kind, z, x, y, size, ratio: size / TILE, ids: wanted }, (answer) => {
      tile.bitmap?.close();
      tile.bitmap = answer.bitmap;
      if (answer.ids) tile.ids = answer.ids;
      this.show(tile);
      done();
      this.settle(tile.key);
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

  protected override show(tile: Tile): void {
    const context = tile.canvas.getContext("2d");
    const size = tile.canvas.width;
    if (!context || !this.palette || !tile.ids || !tile.bitmap) return;
    if (this.image?.width !== size) this.image = new ImageData(size, size);
    paint(tile.ids, size, this.palette, new Uint32Array(this.image.data.buffer), size / TILE);
    context.putImageData(this.image, 0, 0);
    context.drawImage(tile.bitmap, 0, 0);
  }
}
