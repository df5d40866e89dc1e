/** Lines over the tiles and under the marks: the plan in force, dashed, and locked borders. */

import L from "leaflet";
import { type Lines, WORLD } from "../kernels/geometry";
import type { Theme, View } from "../worker/protocol";
import { mapZoom } from "./zoom";

const PAD = 0.25;
/** Draws what a view shows as a picture of its size times `ratio`, later. */
export type Draw = (view: View, ratio: number, theme: Theme, done: (bitmap: ImageBitmap) => void) => void;

const LOCKED: Record<Theme, { line: string; casing: string }> = {
  light: { line: "#1d2126", casing: "#ffffff" },
  dark: { line: "#f2f0eb", casing: "#14171b" },
};

interface ZoomInternals {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, center: L.LatLng): L.Point;
}

interface Place {
  view: View;
  corner: L.LatLng;
}

/** A canvas that goes with the map, and the part of the map that it shows. */
interface Sheet {
  canvas: HTMLCanvasElement;
  place: Place | null;
}

export class LinesLayer extends L.Layer {
  private readonly dashes = createSheet("dashes");
  private readonly bars = createSheet("locked-borders");
  private force: Draw | null = null;
  private locked: Lines | null = null;
  private theme: Theme = "light";

  override onAdd(map: L.Map): this {
    const pane = map.createPane("lines");
    pane.style.zIndex = "440";
    pane.style.pointerEvents = "none";
    pane.append(this.dashes.canvas, this.bars.canvas);
    this.renew();
    return this;
  }

  override onRemove(): this {
    this.dashes.canvas.remove();
    this.bars.canvas.remove();
    return this;
  }

  override getEvents(): Record<string, L.LeafletEventHandlerFn> {
    return {
      viewreset: () => this.stretch(this._map.getZoom(), this._map.getCenter()),
      moveend: () => this.renew(),
      resize: () => this.renew(),
      zoom: () => this.stretch(this._map.getZoom(), this._map.getCenter()),
      zoomanim: (event) => {
        const { zoom, center } = event as L.ZoomAnimEvent;
        this.stretch(zoom, center);
      },
    };
  }

  /** Show the plan in force as something draws it; null hides it. */
  setForce(draw: Draw | null): void {
    if (draw === this.force) return;
    this.force = draw;
    this.renewDashes();
  }

  /** Draw it anew: it is another one now. */
  renewForce(): void {
    this.renewDashes();
  }

  setLocked(lines: Lines | null): void {
    this.locked = lines && lines.lineStart.length > 1 ? lines : null;
    this.renewBars();
  }

  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.renew();
  }

  private renew(): void {
    this.renewDashes();
    this.renewBars();
  }

  // What is shown stays, moved and stretched with the map, until the new picture is there; that is handed over, not drawn.
  private renewDashes(): void {
    const { canvas } = this.dashes;
    if (!this._map || (!this.force && canvas.hidden)) return;
    const { force } = this;
    if (!force) {
      canvas.hidden = true;
      this.dashes.place = null;
      return;
    }
    const place = this.placeNow();
    force(place.view, ratio(), this.theme, (bitmap) => {
      if (this.force !== force) return bitmap.close();
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
      this.lay(this.dashes, place);
    });
  }

  private renewBars(): void {
    const { canvas } = this.bars;
    if (!this._map || (!this.locked && canvas.hidden)) return;
    canvas.hidden = !this.locked;
    if (!this.locked) return;
    const place = this.placeNow();
    const scale = ratio();
    canvas.width = Math.ceil(place.view.width * scale);
    canvas.height = Math.ceil(place.view.height * scale);
    const context = canvas.getContext("2d");
    if (context) drawLocked(context, this.locked, place.view, scale, this.theme);
    this.lay(this.bars, place);
  }

  private placeNow(): Place {
    const map = this._map;
    const zoom = map.getZoom();
    const size = map.getSize();
    const topLeft = map.containerPointToLayerPoint(L.point(-size.x * PAD, -size.y * PAD)).round();
    const corner = map.layerPointToLatLng(topLeft);
    const world = map.project(corner, zoom);
    const step = WORLD / (256 * 2 ** mapZoom(zoom));
    const [width, height] = [Math.ceil(size.x * (1 + 2 * PAD)), Math.ceil(size.y * (1 + 2 * PAD))];
    return { view: { x0: world.x * step, y0: world.y * step, step, width, height, zoom: mapZoom(zoom) }, corner };
  }

  private lay(sheet: Sheet, place: Place): void {
    const { canvas } = sheet;
    const scale = ratio();
    sheet.place = place;
    canvas.hidden = false;
    canvas.style.width = `${canvas.width / scale}px`;
    canvas.style.height = `${canvas.height / scale}px`;
    this.stretch(this._map.getZoom(), this._map.getCenter());
  }

  private stretch(zoom: number, center: L.LatLng): void {
    for (const { canvas, place } of [this.dashes, this.bars]) {
      if (!place) continue;
      const at = (this._map as unknown as ZoomInternals)._latLngToNewLayerPoint(place.corner, zoom, center);
      L.DomUtil.setTransform(canvas, at, 2 ** (mapZoom(zoom) - place.view.zoom));
    }
  }
}

function createSheet(name: string): Sheet {
  const canvas = document.createElement("canvas");
  canvas.className = `leaflet-zoom-animated ${name}`;
  canvas.setAttribute("aria-hidden", "true");
  canvas.hidden = true;
  return { canvas, place: null };
}

const ratio = (): number => Math.min(2, globalThis.devicePixelRatio || 1);

// A heavy line with a light core and bars across it, so that it is told from every border by more than its width.
function drawLocked(
  context: CanvasRenderingContext2D,
  { coords, lineStart }: Lines,
  view: View,
  scale: number,
  theme: Theme,
): void {
  const inks = LOCKED[theme];
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineJoin = "round";
  context.lineCap = "butt";
  context.beginPath();
  for (let line = 0; line + 1 < lineStart.length; line++) {
    for (let v = lineStart[line]; v < lineStart[line + 1]; v++) {
      const x = (coords[2 * v] - view.x0) / view.step;
      const y = (coords[2 * v + 1] - view.y0) / view.step;
      if (v === lineStart[line]) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
  }
  for (const [width, colour, dash] of [
    [8, inks.casing, []],
    [5.5, inks.line, []],
    [2.5, inks.casing, [7, 3]],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.stroke();
  }
  context.setLineDash([]);
}
