/** What is drawn under the hand, over everything else: the brush, a line, an area, a box, and words beside the pointer. */

import type L from "leaflet";
import { unitToLonLat } from "../kernels/geometry";
import type { Place, Sketch } from "../state/tools";

const SVG = "http://www.w3.org/2000/svg";

export class SketchLayer {
  private readonly root = document.createElementNS(SVG, "svg");
  private readonly casing = document.createElementNS(SVG, "path");
  private readonly line = document.createElementNS(SVG, "path");
  /** An element of its own, so that moving it draws nothing anew. */
  private readonly brush = document.createElement("div");
  private readonly words = document.createElement("div");
  private readonly marks: SVGTextElement[] = [];
  private sketch: Sketch | null = null;
  private pointer: Place | null = null;
  private radius = 0;

  constructor(private readonly map: L.Map) {
    this.root.classList.add("sketch");
    this.root.setAttribute("aria-hidden", "true");
    this.casing.classList.add("sketch-casing");
    this.line.classList.add("sketch-line");
    this.brush.className = "sketch-brush";
    this.brush.setAttribute("aria-hidden", "true");
    this.root.append(this.casing, this.line);
    this.words.className = "sketch-words";
    this.words.hidden = true;
    this.words.setAttribute("aria-hidden", "true");
    map.getContainer().append(this.root, this.brush, this.words);
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
    this.root.style.display = path === "" ? "none" : "";
    this.casing.setAttribute("d", path);
    this.line.setAttribute("d", path);
    this.drawMarks();
    this.line.classList.toggle("is-area", this.sketch !== null && this.sketch.kind !== "line");
  }

  private drawMarks(): void {
    const marks = this.sketch?.marks ?? [];
    while (this.marks.length > marks.length) this.marks.pop()?.remove();
    marks.forEach(({ x, y, text }, i) => {
      const mark = (this.marks[i] ??= document.createElementNS(SVG, "text"));
      const [left, top] = this.toPixel(x, y);
      mark.classList.add("sketch-mark");
      mark.textContent = text;
      mark.setAttribute("x", left.toFixed(1));
      mark.setAttribute("y", top.toFixed(1));
      if (!mark.isConnected) this.root.append(mark);
    });
  }

  private drawBrush(): void {
    const { pointer, radius, brush } = this;
    const shown = pointer && radius > 0 ? "" : "none";
    if (brush.style.display !== shown) brush.style.display = shown;
    if (!pointer || radius <= 0) return;
    const [x, y] = this.toPixel(pointer.x, pointer.y);
    const [edge] = this.toPixel(pointer.x + radius, pointer.y);
    const side = `${(2 * (edge - x)).toFixed(1)}px`;
    if (brush.style.width !== side) brush.style.width = brush.style.height = side;
    brush.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
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
