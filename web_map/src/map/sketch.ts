/** What is drawn under the hand, over everything else: the brush, a line, an area, a box, and words beside the pointer. */

import type L from "leaflet";
import { unitToLonLat } from "../kernels/geometry";
import type { Place, Sketch } from "../state/tools";

const SVG = "http://www.w3.org/2000/svg";

export class SketchLayer {
  private readonly root = document.createElementNS(SVG, "svg");
  private readonly casing = document.createElementNS(SVG, "path");
  private readonly line = document.createElementNS(SVG, "path");
  private readonly brush = document.createElementNS(SVG, "circle");
  private readonly words = document.createElement("div");
  private sketch: Sketch | null = null;
  private pointer: Place | null = null;
  private radius = 0;

  constructor(private readonly map: L.Map) {
    this.root.classList.add("sketch");
    this.root.setAttribute("aria-hidden", "true");
    this.casing.classList.add("sketch-casing");
    this.line.classList.add("sketch-line");
    this.brush.classList.add("sketch-brush");
    this.root.append(this.casing, this.line, this.brush);
    this.words.className = "sketch-words";
    this.words.setAttribute("aria-hidden", "true");
    map.getContainer().append(this.root, this.words);
    map.on("move zoom", () => this.draw());
    this.draw();
  }

  setSketch(sketch: Sketch | null): void {
    this.sketch = sketch;
    this.draw();
  }

  /** The brush around the pointer; a radius of 0 units hides it. */
  setBrush(pointer: Place | null, radius: number): void {
    this.pointer = pointer;
    this.radius = radius;
    this.drawBrush();
  }

  setWords(text: string, at: Place | null): void {
    this.words.hidden = text === "" || at === null;
    if (text === "" || at === null) return;
    const [x, y] = this.toPixel(at.x, at.y);
    this.words.textContent = text;
    this.words.style.transform = `translate(${Math.round(x) + 16}px, ${Math.round(y) + 16}px)`;
  }

  private draw(): void {
    this.drawBrush();
    const path = this.sketch ? this.pathOf(this.sketch) : "";
    this.casing.setAttribute("d", path);
    this.line.setAttribute("d", path);
    this.line.classList.toggle("is-area", this.sketch !== null && this.sketch.kind !== "line");
  }

  private drawBrush(): void {
    const { pointer, radius, brush } = this;
    brush.style.display = pointer && radius > 0 ? "" : "none";
    if (!pointer || radius <= 0) return;
    const [x, y] = this.toPixel(pointer.x, pointer.y);
    const [edge] = this.toPixel(pointer.x + radius, pointer.y);
    brush.setAttribute("r", String(edge - x));
    brush.setAttribute("transform", `translate(${x} ${y})`);
  }

  private pathOf({ kind, points }: Sketch): string {
    if (kind === "box") {
      const [x0, y0] = this.toPixel(points[0], points[1]);
      const [x1, y1] = this.toPixel(points[2], points[3]);
      return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
    }
    let path = "";
    for (let at = 0; at < points.length; at += 2) {
      const [x, y] = this.toPixel(points[at], points[at + 1]);
      path += `${at === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    return kind === "area" ? `${path}Z` : path;
  }

  private toPixel(x: number, y: number): [number, number] {
    const [lon, lat] = unitToLonLat(x, y);
    const point = this.map.latLngToContainerPoint([lat, lon]);
    return [point.x, point.y];
  }
}
