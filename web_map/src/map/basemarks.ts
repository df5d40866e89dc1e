/** Changes of base data that wait, drawn over the map: what is new, what goes, where something stood before, what is picked. */

import type L from "leaflet";
import type { Geometry } from "../api/base";
import { pathsOf } from "../state/baselist";

const SVG = "http://www.w3.org/2000/svg";
/** How a mark looks; later ones lie over earlier ones. */
const KINDS = ["was", "gone", "new", "picked"] as const;
export type MarkKind = (typeof KINDS)[number];

export interface BaseMark {
  kind: MarkKind;
  geometry: Geometry;
}

/** Pixels around the map in which marks are drawn too. */
const MARGIN = 50;
const DOT = 6;

export class BaseMarks {
  private readonly root = document.createElementNS(SVG, "svg");
  private readonly paths = new Map<MarkKind, { area: SVGPathElement; line: SVGPathElement }>();
  private marks: readonly BaseMark[] = [];
  private frame = 0;

  constructor(private readonly map: L.Map) {
    this.root.classList.add("base-marks");
    this.root.setAttribute("aria-hidden", "true");
    for (const kind of KINDS) {
      const [area, line] = ["area", "line"].map((part) => {
        const path = document.createElementNS(SVG, "path");
        path.classList.add(`base-${part}`, `is-${kind}`);
        this.root.append(path);
        return path;
      });
      this.paths.set(kind, { area, line });
    }
    map.getContainer().append(this.root);
    map.on("move zoom viewreset resize", () => this.later());
  }

  set(marks: readonly BaseMark[]): void {
    this.marks = marks;
    this.later();
  }

  private later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const size = this.map.getSize();
    const areas = new Map<MarkKind, string[]>(KINDS.map((kind) => [kind, []]));
    const lines = new Map<MarkKind, string[]>(KINDS.map((kind) => [kind, []]));
    for (const { kind, geometry } of this.marks) {
      const to = (geometry.type.endsWith("Polygon") || geometry.type === "Point" ? areas : lines).get(kind) as string[];
      for (const path of pathsOf(geometry)) {
        const points = path.map(([lon, lat]) => this.map.latLngToContainerPoint([lat, lon]));
        const seen = points.some(({ x, y }) => x > -MARGIN && y > -MARGIN && x < size.x + MARGIN && y < size.y + MARGIN);
        if (!seen && points.length < 3) continue;
        if (geometry.type === "Point") to.push(dot(points[0].x, points[0].y));
        else to.push(`M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`);
      }
    }
    for (const [kind, { area, line }] of this.paths) {
      area.setAttribute("d", (areas.get(kind) as string[]).join(""));
      line.setAttribute("d", (lines.get(kind) as string[]).join(""));
    }
  }
}

const dot = (x: number, y: number): string =>
  `M${(x - DOT).toFixed(1)} ${y.toFixed(1)}a${DOT} ${DOT} 0 1 0 ${2 * DOT} 0a${DOT} ${DOT} 0 1 0 ${-2 * DOT} 0Z`;
