/** What lies over the tiles: the hovered and the selected grid, the selected cell, a pin, and the labels as one picture. */

import L from "leaflet";
import { type Polygons, lonLatToUnit, WORLD } from "../kernels/geometry";
import type { LabelView, Theme, View } from "../worker/protocol";
import { mapLevel, mapZoom } from "./zoom";

const PAD = 0.25;

export interface Highlight {
  polygon: Polygons;
  colour: string;
}

export interface OverlayContent {
  theme: Theme;
  hovered: Highlight | null;
  selected: Highlight | null;
  cell: Polygons | null;
  pin: [lon: number, lat: number] | null;
  /** Grids whose label shows a padlock. */
  locked: ReadonlySet<number>;
  /** From the largest piece of a grid to each other one: x0, y0, x1, y1 in units. */
  links: readonly number[];
}

const NOTHING: OverlayContent = {
  theme: "light",
  hovered: null,
  selected: null,
  cell: null,
  pin: null,
  locked: new Set(),
  links: [],
};

interface Inks {
  alert: string;
  casing: string;
  cell: string;
}

const INKS: Record<Theme, Inks> = {
  light: { alert: "#b3261e", casing: "#ffffff", cell: "#111418" },
  dark: { alert: "#ff9b8f", casing: "#14171b", cell: "#ffffff" },
};

type Renewed = (view: LabelView) => void;
interface ZoomInternals {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, center: L.LatLng): L.Point;
}

/** A canvas over the map, where its upper left corner lies, and at which zoom it was drawn. */
interface Sheet {
  canvas: HTMLCanvasElement;
  corner: L.LatLng;
  zoom: number;
}

/** How far beyond its outline a mark is drawn, in pixels of the page. */
const REACH = 10;

export class Overlay extends L.Layer {
  private view: LabelView | null = null;
  private labels: Sheet | null = null;
  private marks: Sheet | null = null;
  private content = NOTHING;
  private frame = 0;
  /** Left and upper edge of the canvas of the marks in the view, in pixels of the page. */
  private origin: [x: number, y: number] = [0, 0];

  constructor(private readonly renewed: Renewed) {
    super();
  }

  override onAdd(map: L.Map): this {
    const pane = map.createPane("marks");
    pane.style.zIndex = "450";
    pane.style.pointerEvents = "none";
    this.marks = createSheet("marks", pane);
    this.labels = createSheet("labels", pane);
    this.reset();
    return this;
  }

  // Its pane goes with the map.
  override onRemove(): this {
    return this;
  }

  override getEvents(): Record<string, L.LeafletEventHandlerFn> {
    return {
      viewreset: () => this.reset(),
      moveend: () => this.reset(),
      resize: () => this.reset(),
      zoom: () => this.stretch(this._map.getZoom(), this._map.getCenter()),
      zoomanim: (event) => {
        const { zoom, center } = event as L.ZoomAnimEvent;
        this.stretch(zoom, center);
      },
    };
  }

  setContent(content: OverlayContent): void {
    const { theme, locked } = this.content;
    this.content = content;
    this.later();
    if (theme !== content.theme || locked !== content.locked) this.reset();
  }

  /** Show the labels that were drawn for a view; null: none. */
  setLabels(drawn: ImageBitmap | null, view: View | null = null): void {
    const sheet = this.labels;
    if (!sheet) return;
    sheet.canvas.hidden = drawn === null;
    if (!drawn || !view) return;
    sheet.canvas.width = drawn.width;
    sheet.canvas.height = drawn.height;
    this.lay(sheet, view, 0, 0, view.width, view.height);
    sheet.canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(drawn);
  }

  /** Ask for labels of the present view again (other data, other language). */
  renew(): void {
    if (this.view) this.renewed(this.view);
  }

  private reset(): void {
    const { _map: map } = this;
    if (!map || !this.marks) return;
    const size = map.getSize();
    const topLeft = map.containerPointToLayerPoint(size.multiplyBy(-PAD)).round();
    const level = map.getZoom();
    const world = map.project(map.layerPointToLatLng(topLeft), level);
    const zoom = mapZoom(level);
    const step = WORLD / (256 * 2 ** zoom);
    const [width, height] = [Math.ceil(size.x * (1 + 2 * PAD)), Math.ceil(size.y * (1 + 2 * PAD))];
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const { locked } = this.content;
    this.view = { x0: world.x * step, y0: world.y * step, step, width, height, zoom, ratio, locked };
    for (const sheet of [this.marks, this.labels]) this.settle(sheet);
    this.draw();
    this.renewed(this.view);
  }

  // While the map zooms.
  private stretch(level: number, center: L.LatLng): void {
    for (const sheet of [this.marks, this.labels]) {
      if (!sheet || sheet.canvas.hidden) continue;
      const at = (this._map as unknown as ZoomInternals)._latLngToNewLayerPoint(sheet.corner, level, center);
      L.DomUtil.setTransform(sheet.canvas, at, 2 ** (mapZoom(level) - sheet.zoom));
    }
  }

  /** Put a canvas over a rectangle of a view, in pixels of the page. */
  private lay(sheet: Sheet, view: View, left: number, top: number, width: number, height: number): void {
    const { canvas } = sheet;
    const at = L.point(view.x0 / view.step + left, view.y0 / view.step + top);
    sheet.corner = this._map.unproject(at, mapLevel(view.zoom));
    sheet.zoom = view.zoom;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.settle(sheet);
  }

  // What was drawn for another zoom is stretched until there is something better.
  private settle(sheet: Sheet | null): void {
    if (!sheet || sheet.canvas.hidden) return;
    const scale = 2 ** (mapZoom(this._map.getZoom()) - sheet.zoom);
    L.DomUtil.setTransform(sheet.canvas, this._map.latLngToLayerPoint(sheet.corner), scale);
  }

  private later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { view, marks: sheet } = this;
    if (!sheet || !view) return;
    const { hovered, selected, cell, pin, theme } = this.content;
    const [left, top, right, bottom] = this.extent(view);
    sheet.canvas.hidden = left >= right || top >= bottom;
    if (sheet.canvas.hidden) {
      sheet.canvas.width = sheet.canvas.height = 0;
      return;
    }
    const { ratio } = view;
    const [width, height] = [right - left, bottom - top];
    sheet.canvas.width = width * ratio;
    sheet.canvas.height = height * ratio;
    this.lay(sheet, view, left, top, width, height);
    this.origin = [left, top];
    const context = sheet.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.lineJoin = "round";
    const inks = INKS[theme];
    if (hovered && hovered.polygon !== selected?.polygon) this.drawGrid(context, hovered, inks, 2);
    if (selected) this.drawGrid(context, selected, inks, 3);
    if (cell) this.drawCell(context, cell, inks);
    this.drawLinks(context, inks);
    if (pin) this.drawPin(context, pin);
  }

  // The rectangle of the view that the marks need, in whole pixels of the page: mostly a small one.
  private extent(view: View): [left: number, top: number, right: number, bottom: number] {
    const { hovered, selected, cell, pin, links } = this.content;
    this.origin = [0, 0];
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    const take = (coords: ArrayLike<number>): void => {
      for (let at = 0; at < coords.length; at += 2) {
        if (coords[at] < x0) x0 = coords[at];
        if (coords[at] > x1) x1 = coords[at];
        if (coords[at + 1] < y0) y0 = coords[at + 1];
        if (coords[at + 1] > y1) y1 = coords[at + 1];
      }
    };
    for (const mark of [hovered?.polygon, selected?.polygon, cell]) if (mark) take(mark.coords);
    take(links);
    if (pin) take(lonLatToUnit(...pin));
    const [left, top] = this.toPixel(x0, y0);
    const [right, bottom] = this.toPixel(x1, y1);
    return [
      Math.max(0, Math.floor(left - REACH)),
      Math.max(0, Math.floor(top - REACH)),
      Math.min(view.width, Math.ceil(right + REACH)),
      Math.min(view.height, Math.ceil(bottom + REACH)),
    ];
  }

  private drawGrid(context: CanvasRenderingContext2D, { polygon, colour }: Highlight, inks: Inks, width: number): void {
    this.trace(context, polygon);
    context.strokeStyle = inks.casing;
    context.lineWidth = width + 4;
    context.stroke();
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  private drawCell(context: CanvasRenderingContext2D, polygon: Polygons, inks: Inks): void {
    this.trace(context, polygon);
    context.fillStyle = "rgba(31, 111, 235, 0.22)";
    context.fill("evenodd");
    context.strokeStyle = inks.casing;
    context.lineWidth = 3.5;
    context.stroke();
    context.strokeStyle = inks.cell;
    context.lineWidth = 1.5;
    context.stroke();
  }

  // Pieces of one grid hang together by a dashed line that ends in dots.
  private drawLinks(context: CanvasRenderingContext2D, inks: Inks): void {
    const { links } = this.content;
    for (let at = 0; at < links.length; at += 4) {
      const [x0, y0] = this.toPixel(links[at], links[at + 1]);
      const [x1, y1] = this.toPixel(links[at + 2], links[at + 3]);
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.strokeStyle = inks.casing;
      context.lineWidth = 4;
      context.stroke();
      context.strokeStyle = context.fillStyle = inks.alert;
      context.lineWidth = 1.75;
      context.setLineDash([5, 4]);
      context.stroke();
      context.setLineDash([]);
      context.beginPath();
      context.arc(x0, y0, 3.5, 0, 2 * Math.PI);
      context.arc(x1, y1, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  private drawPin(context: CanvasRenderingContext2D, [lon, lat]: [number, number]): void {
    const [x, y] = this.toPixel(...lonLatToUnit(lon, lat));
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    context.fillStyle = "#1f6feb";
    context.fill();
    context.lineWidth = 2.5;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }

  private toPixel(x: number, y: number): [number, number] {
    const view = this.view as View;
    return [(x - view.x0) / view.step - this.origin[0], (y - view.y0) / view.step - this.origin[1]];
  }

  private trace(context: CanvasRenderingContext2D, { coords, ringStart }: Polygons): void {
    context.beginPath();
    for (let ring = 0; ring + 1 < ringStart.length; ring++) {
      let [lastX, lastY] = [Infinity, Infinity];
      for (let v = ringStart[ring]; v < ringStart[ring + 1]; v++) {
        const [x, y] = this.toPixel(coords[2 * v], coords[2 * v + 1]);
        if (v === ringStart[ring]) context.moveTo(x, y);
        else if (Math.abs(x - lastX) + Math.abs(y - lastY) < 0.5) continue;
        else context.lineTo(x, y);
        [lastX, lastY] = [x, y];
      }
      context.closePath();
    }
  }
}

function createSheet(name: string, pane: HTMLElement): Sheet {
  const canvas = L.DomUtil.create("canvas", `leaflet-zoom-animated ${name}`, pane);
  canvas.setAttribute("aria-hidden", "true");
  canvas.width = canvas.height = 0;
  canvas.hidden = true;
  return { canvas, corner: L.latLng(0, 0), zoom: 0 };
}
