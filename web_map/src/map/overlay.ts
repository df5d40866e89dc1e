/** What lies over the tiles: labels, the hovered and the selected grid, the selected cell, a pin. */

import L from "leaflet";
import { type Polygons, lonLatToUnit, WORLD } from "../kernels/geometry";
import type { PlacedLabel, Theme, View } from "../worker/protocol";
import { mapZoom } from "./zoom";

const PAD = 0.25;
export const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif';

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
  halo: string;
  grid: string;
  alert: string;
  street: string;
  number: string;
  area: string;
  casing: string;
  cell: string;
}

const INKS: Record<Theme, Inks> = {
  light: {
    halo: "rgba(255, 255, 255, 0.92)",
    grid: "#1d2126",
    alert: "#b3261e",
    street: "#575249",
    number: "#4b4740",
    area: "#565b63",
    casing: "#ffffff",
    cell: "#111418",
  },
  dark: {
    halo: "rgba(20, 23, 27, 0.88)",
    grid: "#f2f0eb",
    alert: "#ff9b8f",
    street: "#c5c2bb",
    number: "#b5b2ab",
    area: "#e6e2da",
    casing: "#14171b",
    cell: "#ffffff",
  },
};

type Renewed = (view: View) => void;
interface ZoomInternals {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, center: L.LatLng): L.Point;
}

export class Overlay extends L.Layer {
  private canvas: HTMLCanvasElement | null = null;
  private view: View | null = null;
  private corner = L.latLng(0, 0);
  private labels: PlacedLabel[] = [];
  private content = NOTHING;
  private frame = 0;

  constructor(private readonly renewed: Renewed) {
    super();
  }

  override onAdd(map: L.Map): this {
    const pane = map.createPane("marks");
    pane.style.zIndex = "450";
    pane.style.pointerEvents = "none";
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated marks", pane);
    this.canvas.setAttribute("aria-hidden", "true");
    this.reset();
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
    this.content = content;
    this.later();
  }

  setLabels(labels: PlacedLabel[]): void {
    this.labels = labels;
    this.later();
  }

  /** Ask for labels of the present view again (other data, other language). */
  renew(): void {
    if (this.view) this.renewed(this.view);
  }

  private reset(): void {
    const { canvas, _map: map } = this;
    if (!canvas) return;
    const size = map.getSize();
    const topLeft = map.containerPointToLayerPoint(size.multiplyBy(-PAD)).round();
    const zoom = map.getZoom();
    this.corner = map.layerPointToLatLng(topLeft);
    const world = map.project(this.corner, zoom);
    const step = WORLD / (256 * 2 ** mapZoom(zoom));
    const [width, height] = [Math.ceil(size.x * (1 + 2 * PAD)), Math.ceil(size.y * (1 + 2 * PAD))];
    this.view = { x0: world.x * step, y0: world.y * step, step, width, height, zoom: mapZoom(zoom) };
    const ratio = this.ratio();
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    L.DomUtil.setTransform(canvas, topLeft, 1);
    this.draw();
    this.renewed(this.view);
  }

  private stretch(zoom: number, center: L.LatLng): void {
    if (!this.canvas || !this.view) return;
    const scale = 2 ** (mapZoom(zoom) - this.view.zoom);
    const at = (this._map as unknown as ZoomInternals)._latLngToNewLayerPoint(this.corner, zoom, center);
    L.DomUtil.setTransform(this.canvas, at, scale);
  }

  private ratio(): number {
    return Math.min(2, globalThis.devicePixelRatio || 1);
  }

  private later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const context = this.canvas?.getContext("2d");
    if (!context || !this.view) return;
    const ratio = this.ratio();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.view.width, this.view.height);
    const inks = INKS[this.content.theme];
    context.lineJoin = "round";
    const { hovered, selected, cell, pin } = this.content;
    if (hovered && hovered.polygon !== selected?.polygon) this.drawGrid(context, hovered, inks, 2);
    if (selected) this.drawGrid(context, selected, inks, 3);
    if (cell) this.drawCell(context, cell, inks);
    this.drawLinks(context, inks);
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const label of this.labels) if (label.kind !== "grid") this.drawLabel(context, label, inks);
    for (const label of this.labels) if (label.kind === "grid") this.drawLabel(context, label, inks);
    if (pin) this.drawPin(context, pin);
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

  private drawLabel(context: CanvasRenderingContext2D, label: PlacedLabel, inks: Inks): void {
    const [x, y] = this.toPixel(label.x, label.y);
    if (label.kind === "grid") return this.drawGridLabel(context, label, x, y, inks);
    if (label.kind === "facility") {
      context.beginPath();
      context.arc(x, y, 2.5, 0, 2 * Math.PI);
      context.fillStyle = inks.street;
      context.fill();
      return write(context, label.text, x, y + 12, `500 ${label.font}px ${FONT}`, inks.street, inks.halo);
    }
    const ink = label.kind === "street" ? inks.street : label.kind === "area" ? inks.area : inks.number;
    const weight = label.kind === "area" ? 600 : 400;
    context.save();
    context.translate(x, y);
    context.rotate(label.angle);
    if (label.kind === "area") context.letterSpacing = "1px";
    write(context, label.text, 0, 0, `${weight} ${label.font}px ${FONT}`, ink, inks.halo);
    context.restore();
  }

  private drawGridLabel(context: CanvasRenderingContext2D, label: PlacedLabel, x: number, y: number, inks: Inks): void {
    const small = Math.max(10, label.font - 2);
    const head = label.alert ? `${label.text} !` : label.text;
    const ink = label.alert ? inks.alert : inks.grid;
    const top = label.detail ? y - small / 2 : y;
    write(context, head, x, top, `700 ${label.font}px ${FONT}`, ink, inks.halo);
    if (label.grid !== undefined && this.content.locked.has(label.grid))
      drawPadlock(context, x - context.measureText(head).width / 2 - 9, top, inks);
    if (label.detail)
      write(context, label.detail, x, y + label.font / 2 + 1, `500 ${small}px ${FONT}`, inks.grid, inks.halo);
  }

  private toPixel(x: number, y: number): [number, number] {
    const view = this.view as View;
    return [(x - view.x0) / view.step, (y - view.y0) / view.step];
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

function drawPadlock(context: CanvasRenderingContext2D, x: number, y: number, inks: Inks): void {
  context.beginPath();
  context.rect(x - 4.5, y - 1, 9, 7);
  context.moveTo(x - 3, y - 1);
  context.arc(x, y - 2, 3, Math.PI, 0);
  context.lineTo(x + 3, y - 1);
  context.strokeStyle = inks.halo;
  context.lineWidth = 4;
  context.stroke();
  context.strokeStyle = context.fillStyle = inks.grid;
  context.lineWidth = 1.5;
  context.stroke();
  context.fillRect(x - 4.5, y - 1, 9, 7);
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  font: string,
  ink: string,
  halo: string,
): void {
  context.font = font;
  context.lineWidth = 3.5;
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}
