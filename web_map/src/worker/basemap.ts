/** The base map: reading `base.bin` and drawing its tiles. */

import { type Bundle, takeArray } from "../api/wgb1";
import { type BoxIndex, buildBoxIndex, queryBoxIndex } from "../kernels/boxindex";
import { joinByName, type NamedLines } from "../kernels/chains";
import { boxesOf, featureVertexStart, type Lines, type Polygons, undelta } from "../kernels/geometry";
import { poleOf } from "../kernels/pole";
import { frameBox, type Pen, traceFeature, traceLine } from "./pen";
import type { Theme } from "./protocol";

export interface BaseMeta {
  attribution: string;
  names: string[];
  street_classes: string[];
}

interface PolygonLayer extends Polygons {
  index: BoxIndex;
}

interface LineLayer extends Lines {
  index: BoxIndex;
}

export interface Base {
  names: string[];
  classes: string[];
  water: PolygonLayer;
  green: PolygonLayer;
  areas: PolygonLayer;
  areasName: Int32Array;
  /** Where the name of each area goes: x, y. */
  areasPole: Float64Array;
  buildings: PolygonLayer;
  buildingsLabel: Int32Array;
  streets: LineLayer;
  streetsRank: Uint8Array;
  streetNames: NamedLines & { index: BoxIndex };
  barriers: LineLayer;
  facilities: Int32Array;
  facilitiesName: Int32Array;
}

function polygonLayer(bundle: Bundle<unknown>, name: string): PolygonLayer {
  const ringStart = takeArray(bundle, `${name}_ring_start`, Uint32Array);
  const coords = undelta(takeArray(bundle, `${name}_coords`, Int32Array), ringStart);
  const polygons = { coords, ringStart, featureStart: takeArray(bundle, `${name}_feature_start`, Uint32Array) };
  return { ...polygons, index: buildBoxIndex(boxesOf(coords, featureVertexStart(polygons))) };
}

function lineLayer(bundle: Bundle<unknown>, name: string): LineLayer {
  const lineStart = takeArray(bundle, `${name}_line_start`, Uint32Array);
  const coords = undelta(takeArray(bundle, `${name}_coords`, Int32Array), lineStart);
  return { coords, lineStart, index: buildBoxIndex(boxesOf(coords, lineStart)) };
}

function polesOf(layer: PolygonLayer): Float64Array {
  const poles = new Float64Array(2 * (layer.featureStart.length - 1));
  for (let i = 0; 2 * i < poles.length; i++)
    poles.set(poleOf(layer, i, layer.index.boxes.subarray(4 * i, 4 * i + 4)), 2 * i);
  return poles;
}

export function readBase(bundle: Bundle<BaseMeta>): Base {
  const streets = lineLayer(bundle, "streets");
  const streetsRank = takeArray(bundle, "streets_rank", Uint8Array);
  const named = joinByName(streets, takeArray(bundle, "streets_name", Int32Array), streetsRank);
  const areas = polygonLayer(bundle, "areas");
  return {
    names: bundle.meta.names,
    classes: bundle.meta.street_classes,
    water: polygonLayer(bundle, "water"),
    green: polygonLayer(bundle, "green"),
    areas,
    areasPole: polesOf(areas),
    areasName: takeArray(bundle, "areas_name", Int32Array),
    buildings: polygonLayer(bundle, "buildings"),
    buildingsLabel: takeArray(bundle, "buildings_label", Int32Array),
    streets,
    streetsRank,
    streetNames: { ...named, index: buildBoxIndex(boxesOf(named.coords, named.lineStart)) },
    barriers: lineLayer(bundle, "barriers"),
    facilities: takeArray(bundle, "facilities_coords", Int32Array),
    facilitiesName: takeArray(bundle, "facilities_name", Int32Array),
  };
}

interface Colours {
  ground: string;
  water: string;
  green: string;
  building: string;
  buildingEdge: string;
  street: string;
  minor: string;
  casing: string;
  barrier: string;
}

const COLOURS: Record<Theme, Colours> = {
  light: {
    ground: "#f6f5f1",
    water: "#cfe0ea",
    green: "#dfe8d6",
    building: "#dcd8d0",
    buildingEdge: "#b9b3a8",
    street: "#ffffff",
    minor: "#ffffff",
    casing: "#cfc9be",
    barrier: "#b3aca1",
  },
  dark: {
    ground: "#23272d",
    water: "#1c3444",
    green: "#27332b",
    building: "#353b43",
    buildingEdge: "#474f59",
    street: "#565f6b",
    minor: "#444c56",
    casing: "#191c20",
    barrier: "#6a6f78",
  },
};

/** Width at zoom 16 in pixels and the least zoom, by class of street. */
const STREETS: Record<string, [width: number, from: number]> = {
  minor: [1.4, 15.5],
  living_street: [3, 14],
  residential: [4.2, 13.25],
  tertiary: [6, 12],
  secondary: [7.5, 11],
  primary: [9, 10],
  trunk: [10, 9],
  motorway: [11, 8],
};

/** Width of a street in pixels of the page, 0 where it is too small to be drawn. */
export function streetWidth(streetClass: string, zoom: number): number {
  const [width, from] = STREETS[streetClass] ?? [2, 17];
  if (zoom < from) return 0;
  const grown = width * 2 ** ((zoom - 16) * (zoom < 16 ? 0.55 : 0.75));
  return Math.max(zoom < 14 ? 0.8 : 1.1, grown);
}

export function drawBase(pen: Pen, base: Base, theme: Theme): void {
  const colours = COLOURS[theme];
  const { context, zoom } = pen;
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, pen.size, pen.size);
  fillLayer(pen, base.green, colours.green);
  fillLayer(pen, base.water, colours.water);
  if (zoom >= 13) fillLayer(pen, base.buildings, colours.building, zoom >= 16 ? colours.buildingEdge : undefined);
  drawBarriers(pen, base, colours);
  drawStreets(pen, base, colours);
}

function fillLayer(pen: Pen, layer: PolygonLayer, fill: string, edge?: string): void {
  const found = queryBoxIndex(layer.index, frameBox(pen, 2));
  if (found.length === 0) return;
  const { context } = pen;
  context.beginPath();
  for (const feature of found) traceFeature(pen, layer, feature, edge !== undefined);
  context.fillStyle = fill;
  context.fill("evenodd");
  if (!edge) return;
  context.strokeStyle = edge;
  context.lineWidth = 0.8 * pen.ratio;
  context.stroke();
}

function drawBarriers(pen: Pen, base: Base, colours: Colours): void {
  if (pen.zoom < 13) return;
  const { context } = pen;
  context.beginPath();
  for (const line of queryBoxIndex(base.barriers.index, frameBox(pen, 4))) traceLine(pen, base.barriers, line);
  context.strokeStyle = colours.barrier;
  context.lineWidth = pen.ratio * (pen.zoom >= 16 ? 1.6 : 1);
  context.setLineDash([5 * pen.ratio, 3 * pen.ratio]);
  context.stroke();
  context.setLineDash([]);
}

function drawStreets(pen: Pen, base: Base, colours: Colours): void {
  const { context, zoom, ratio } = pen;
  const byRank: number[][] = base.classes.map(() => []);
  for (const line of queryBoxIndex(base.streets.index, frameBox(pen, 40))) byRank[base.streetsRank[line]]?.push(line);
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const casing of [true, false]) {
    byRank.forEach((lines, rank) => {
      const width = streetWidth(base.classes[rank], zoom);
      if (width === 0 || lines.length === 0 || (casing && width < 1.6)) return;
      context.beginPath();
      for (const line of lines) traceLine(pen, base.streets, line);
      context.lineWidth = ratio * (casing ? width + (zoom >= 15 ? 1.8 : 1.2) : width);
      const plain = width < 1.6 && !(zoom >= 16);
      context.strokeStyle = casing || plain ? colours.casing : width < 3 ? colours.minor : colours.street;
      context.stroke();
    });
  }
}
