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

export class LinesLayer extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private place: Place | null = null;
  private bitmap: ImageBitmap | null = null;
  private force: Draw | null = null;
  private locked: Lines | null = null;
  private theme: Theme = "light";

  override onAdd(map: L.Map): this {
    const pane = map.createPane("lines");
    pane.style.zIndex = "440";
    pane.style.pointerEvents = "none";
    this.canvas.className = "leaflet-zoom-animated lines";
    this.canvas.setAttribute("aria-hidden", "true");
    pane.append(this.canvas);
    this.renew();
    return this;
  }

  override onRemove(): this {
    this.canvas.remove();
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
    this.force = draw;
    this.renew();
  }

  setLocked(lines: Lines | null): void {
    this.locked = lines && lines.lineStart.length > 1 ? lines : null;
    this.renew();
  }

  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.renew();
  }

  private get empty(): boolean {
    return !this.force && !this.locked;
  }

  // What is shown stays, moved and stretched with the map, until the new picture is there.
  private renew(): void {
    if (!this._map || (this.empty && this.canvas.hidden)) return;
    this.canvas.hidden = this.empty;
    if (this.empty) {
      this.bitmap?.close();
      this.bitmap = this.place = null;
      return;
    }
    const place = this.placeNow();
    if (!this.force) {
      this.bitmap?.close();
      this.bitmap = null;
      this.show(place);
      return;
    }
    this.force(place.view, ratio(), this.theme, (bitmap) => {
      this.bitmap?.close();
      this.bitmap = bitmap;
      this.show(place);
    });
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

  private show(place: Place): void {
    this.place = place;
    const { width, height } = place.view;
    const scale = ratio();
    this.canvas.width = Math.ceil(width * scale);
    this.canvas.height = Math.ceil(height * scale);
    this.canvas.style.width = `${this.canvas.width / scale}px`;
    this.canvas.style.height = `${this.canvas.height / scale}px`;
    const context = this.canvas.getContext("2d");
    if (context && this.bitmap) context.drawImage(this.bitmap, 0, 0);
    if (context && this.locked) drawLocked(context, this.locked, place.view, scale, this.theme);
    this.stretch(this._map.getZoom(), this._map.getCenter());
  }

  private stretch(zoom: number, center: L.LatLng): void {
    if (!this.place) return;
    const at = (this._map as unknown as ZoomInternals)._latLngToNewLayerPoint(this.place.corner, zoom, center);
    L.DomUtil.setTransform(this.canvas, at, 2 ** (mapZoom(zoom) - this.place.view.zoom));
  }
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
