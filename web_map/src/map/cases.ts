/** Cases on the map: points by category, ringed by state, joined where they stand close; the circle of a fix, candidates, facilities. */

import { effect } from "@preact/signals";
import L from "leaflet";
import { type Cluster, clusterPoints } from "../kernels/cluster";
import { type Polygons, takeFeature } from "../kernels/geometry";
import { css, darker, gridColour, lighter } from "../kernels/palette";
import type { CaseState } from "../api/cases";
import type { ListedCase } from "../state/caselist";
import type { State } from "../state/state";
import { mapLevel } from "./zoom";

/** A facility that is near, numbered as in the list. */
export interface FacilityMark {
  lon: number;
  lat: number;
  text: string;
  strong: boolean;
}

export interface CaseScene {
  cases: readonly ListedCase[];
  chosen: number | null;
  hovered: number | null;
  /** New ones that nobody has looked at. */
  fresh: ReadonlySet<number>;
  /** The place that is spoken of, with the accuracy of its fix in metres. */
  place: { lon: number; lat: number; accuracy: number; pin: boolean } | null;
  /** Numbers of the grids that it may lie in. */
  candidates: readonly number[];
  facilities: readonly FacilityMark[];
}

const EMPTY: CaseScene = { cases: [], chosen: null, hovered: null, fresh: new Set(), place: null, candidates: [], facilities: [] };

const REACH = 30;
const RADIUS = 12;
const HIT = 18;
const M_PER_DEGREE = 111_195;
const TURN = 2 * Math.PI;
/** Zoom from which a group that still stands together opens case by case. */
const CLOSEST = mapLevel(20);

interface Ring {
  colour: string;
  dash: readonly number[];
  width: number;
}

/** By more than colour: dashes while nobody has it, a full ring while somebody does, dots while it is parked. */
const RINGS: Record<"waiting" | "out" | "taken" | "parked" | "back" | "over", Ring> = {
  waiting: { colour: "#6f42c1", dash: [4, 3], width: 3 },
  out: { colour: "#b45309", dash: [], width: 3 },
  taken: { colour: "#1a5fcc", dash: [], width: 3 },
  parked: { colour: "#59616b", dash: [1, 4], width: 3 },
  back: { colour: "#11774f", dash: [9, 3], width: 3 },
  over: { colour: "#8a8f96", dash: [], width: 1.5 },
};
const GROUP: Partial<Record<CaseState, keyof typeof RINGS>> = {
  reported: "waiting",
  verified: "waiting",
  opened: "waiting",
  dispatched: "out",
  accepted: "taken",
  parked: "parked",
  done: "back",
  checked: "back",
};
export const ringOf = (state: CaseState): keyof typeof RINGS => GROUP[state] ?? "over";

/** One sign for a category: its first letter. */
const signOf = (category: string): string => (Array.from(category.trim())[0] ?? "?").toUpperCase();

export interface CasesLayer {
  set(scene: CaseScene): void;
  /** The cases at a place of the map; none: empty. */
  at(lon: number, lat: number): number[];
  /** Zoom to some cases. */
  zoomTo(ids: readonly number[]): void;
  setDark(dark: boolean): void;
  remove(): void;
}

export function createCasesLayer(map: L.Map, polygonOf: (grid: number) => { polygon: Polygons; colour: string } | null): CasesLayer {
  const canvas = document.createElement("canvas");
  canvas.className = "case-marks";
  canvas.setAttribute("aria-hidden", "true");
  map.getContainer().append(canvas);
  let scene = EMPTY;
  let dark = false;
  let frame = 0;
  let clusters: Cluster[] = [];
  let known: { cases: readonly ListedCase[]; zoom: number } | null = null;

  const world = (lon: number, lat: number): L.Point => map.project([lat, lon], map.getZoom());
  const origin = (): L.Point => map.getPixelBounds().min ?? L.point(0, 0);

  // In pixels of the world at this zoom, so that groups stay as they are while the map is moved.
  const join = (): void => {
    const zoom = map.getZoom();
    if (known?.cases === scene.cases && known.zoom === zoom) return;
    const points = scene.cases.map(({ row }) => world(row.lon, row.lat));
    clusters = clusterPoints(points.map(({ x }) => x), points.map(({ y }) => y), REACH); // prettier-ignore
    known = { cases: scene.cases, zoom };
  };

  const draw = (): void => {
    frame = 0;
    const size = map.getSize();
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    if (canvas.width !== size.x * ratio || canvas.height !== size.y * ratio) {
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
    }
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size.x, size.y);
    join();
    const corner = origin();
    for (const grid of scene.candidates) drawBorder(pen, grid);
    if (scene.place) drawPlace(pen, corner, scene.place);
    for (const facility of scene.facilities) drawFacility(pen, corner, facility);
    const inSight = clusters.filter(({ x, y }) => {
      const [px, py] = [x - corner.x, y - corner.y];
      return px > -40 && py > -40 && px < size.x + 40 && py < size.y + 40;
    });
    const marked = (cluster: Cluster): boolean =>
      cluster.members.some((i) => scene.cases[i].row.id === scene.chosen || scene.cases[i].row.id === scene.hovered);
    for (const cluster of inSight) if (!marked(cluster)) drawCluster(pen, corner, cluster, false);
    for (const cluster of inSight) if (marked(cluster)) drawCluster(pen, corner, cluster, true);
  };
  const later = (): void => void (frame ||= requestAnimationFrame(draw));

  const drawBorder = (pen: CanvasRenderingContext2D, grid: number): void => {
    const found = polygonOf(grid);
    if (!found) return;
    const { coords, ringStart } = found.polygon;
    pen.beginPath();
    const scale = 2 ** 30;
    const zoomed = 256 * 2 ** (map.getZoom() / 4);
    const corner = origin();
    for (let ring = 0; ring + 1 < ringStart.length; ring++) {
      for (let i = ringStart[ring]; i < ringStart[ring + 1]; i++) {
        const [x, y] = [(coords[2 * i] / scale) * zoomed - corner.x, (coords[2 * i + 1] / scale) * zoomed - corner.y];
        if (i === ringStart[ring]) pen.moveTo(x, y);
        else pen.lineTo(x, y);
      }
      pen.closePath();
    }
    pen.lineJoin = "round";
    pen.setLineDash([]);
    pen.strokeStyle = dark ? "#14171b" : "#ffffff";
    pen.lineWidth = 8;
    pen.stroke();
    pen.strokeStyle = found.colour;
    pen.lineWidth = 5;
    pen.stroke();
  };

  const drawPlace = (pen: CanvasRenderingContext2D, corner: L.Point, place: NonNullable<CaseScene["place"]>): void => {
    const at = world(place.lon, place.lat).subtract(corner);
    if (place.accuracy > 0) {
      const north = world(place.lon, place.lat + place.accuracy / M_PER_DEGREE).subtract(corner);
      const radius = Math.abs(at.y - north.y);
      pen.beginPath();
      pen.arc(at.x, at.y, radius, 0, TURN);
      pen.fillStyle = "rgba(31, 111, 235, 0.14)";
      pen.fill();
      pen.setLineDash([]);
      pen.strokeStyle = dark ? "#8cb6ff" : "#1a5fcc";
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    if (!place.pin) return;
    pen.beginPath();
    pen.arc(at.x, at.y - 16, 8, 0.75 * Math.PI, 0.25 * Math.PI);
    pen.lineTo(at.x, at.y);
    pen.closePath();
    pen.setLineDash([]);
    pen.fillStyle = "#b3261e";
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2;
    pen.fill();
    pen.stroke();
    pen.beginPath();
    pen.arc(at.x, at.y - 16, 3, 0, TURN);
    pen.fillStyle = "#ffffff";
    pen.fill();
  };

  const drawFacility = (pen: CanvasRenderingContext2D, corner: L.Point, { lon, lat, text, strong }: FacilityMark): void => {
    const at = world(lon, lat).subtract(corner);
    const half = strong ? 10 : 8;
    pen.setLineDash([]);
    pen.beginPath();
    pen.rect(at.x - half, at.y - half, 2 * half, 2 * half);
    pen.fillStyle = dark ? "#262b31" : "#ffffff";
    pen.fill();
    pen.strokeStyle = dark ? "#eceae5" : "#1d2126";
    pen.lineWidth = strong ? 3 : 1.5;
    pen.stroke();
    write(pen, text, at.x, at.y, 11, dark ? "#eceae5" : "#1d2126");
  };

  const drawCluster = (pen: CanvasRenderingContext2D, corner: L.Point, { x, y, members }: Cluster, marked: boolean): void => {
    const [px, py] = [x - corner.x, y - corner.y];
    const all = members.map((i) => scene.cases[i]);
    const late = all.some(({ standing }) => standing.overdue || standing.acceptOverdue);
    const radius = RADIUS + (members.length > 9 ? 3 : 0) + (marked ? 3 : 0);
    // Of several the ring is that of the one that presses most.
    const ring = RINGS[ringOf(all[0].row.state)];
    const ink = dark ? lightened(ring.colour) : ring.colour;
    pen.beginPath();
    pen.arc(px, py, radius + 2, 0, TURN);
    pen.fillStyle = dark ? "#14171b" : "#ffffff";
    pen.fill();
    pen.beginPath();
    pen.arc(px, py, radius, 0, TURN);
    pen.fillStyle = late ? (dark ? "#4a1512" : "#fde7e4") : dark ? "#262b31" : "#ffffff";
    pen.fill();
    pen.setLineDash([...ring.dash]);
    pen.strokeStyle = ink;
    pen.lineWidth = ring.width + (marked ? 1 : 0);
    pen.stroke();
    pen.setLineDash([]);
    const text = members.length > 1 ? String(members.length) : signOf(all[0].row.category);
    write(pen, text, px, py, members.length > 99 ? 10 : 12, dark ? "#eceae5" : "#1d2126");
    if (marked) {
      pen.beginPath();
      pen.arc(px, py, radius + 4, 0, TURN);
      pen.strokeStyle = dark ? "#8cb6ff" : "#1a5fcc";
      pen.lineWidth = 2;
      pen.stroke();
    }
    if (late) badge(pen, px + radius * 0.8, py - radius * 0.8, "!", "#b3261e");
    else if (all.some(({ row }) => scene.fresh.has(row.id))) badge(pen, px + radius * 0.8, py - radius * 0.8, "•", "#1a5fcc");
  };

  const nearest = (lon: number, lat: number): Cluster | null => {
    join();
    const at = world(lon, lat);
    let best: Cluster | null = null;
    let least = HIT * HIT;
    for (const cluster of clusters) {
      const away = (cluster.x - at.x) ** 2 + (cluster.y - at.y) ** 2;
      if (away < least) [best, least] = [cluster, away];
    }
    return best;
  };

  map.on("move zoom viewreset resize", later);
  return {
    set(next) {
      scene = next;
      later();
    },
    at: (lon, lat) => nearest(lon, lat)?.members.map((i) => scene.cases[i].row.id) ?? [],
    zoomTo(ids) {
      const wanted = new Set(ids);
      const points = scene.cases.filter(({ row }) => wanted.has(row.id)).map(({ row }): L.LatLngTuple => [row.lat, row.lon]);
      if (points.length > 0) map.fitBounds(L.latLngBounds(points).pad(0.3), { maxZoom: CLOSEST });
    },
    setDark(is) {
      dark = is;
      later();
    },
    remove() {
      cancelAnimationFrame(frame);
      map.off("move zoom viewreset resize", later);
      canvas.remove();
    },
  };
}

function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, size: number, ink: string): void {
  pen.font = `600 ${size}px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = ink;
  pen.fillText(text, x, y + 0.5);
}

function badge(pen: CanvasRenderingContext2D, x: number, y: number, text: string, colour: string): void {
  pen.beginPath();
  pen.arc(x, y, 6.5, 0, TURN);
  pen.fillStyle = colour;
  pen.fill();
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 1.5;
  pen.stroke();
  write(pen, text, x, y, 10, "#ffffff");
}

const lightened = (colour: string): string => {
  const part = (at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);
  return css(lighter([part(1), part(3), part(5)], 0.45));
};

/** Outline and tone of a grid, as candidates are drawn. */
export function grids(state: State): (grid: number) => { polygon: Polygons; colour: string } | null {
  return (grid) => {
    const polygons = state.polygons.peek();
    const properties = state.grids.peek()[grid];
    if (!polygons || !properties || properties.retired) return null;
    const colour = gridColour("grid", properties, state.bounds.peek());
    return { polygon: state.shapes.peek().get(grid) ?? takeFeature(polygons, grid), colour: css(state.theme.peek() === "dark" ? lighter(colour) : darker(colour, 0.35)) };
  };
}

/** Keep the layer true to what is to be drawn. */
export function connectCases(layer: CasesLayer, state: State, scene: () => CaseScene): () => void {
  const stops = [effect(() => layer.setDark(state.theme.value === "dark")), effect(() => layer.set(scene()))];
  return () => {
    for (const stop of stops) stop();
    layer.remove();
  };
}
