/** Base data: features that stand there, changes of them, sheets of counts and outlines (docs/http.md). */

import { ApiError, type Ask, sending } from "./request";
import type { Bbox } from "./types";

export type Position = number[];
export type Geometry =
  | { type: "Point"; coordinates: Position }
  | { type: "LineString"; coordinates: Position[] }
  | { type: "MultiLineString" | "Polygon"; coordinates: Position[][] }
  | { type: "MultiPolygon"; coordinates: Position[][][] };

export type BaseLayer = "buildings" | "streets" | "facilities" | "gates" | "barriers";

/** A change as it is sent; rows are those of the data version that the draft stands on. */
export interface BaseChange {
  op: "add" | "move" | "retire" | "set";
  layer: BaseLayer;
  id?: string;
  ix?: number;
  geometry?: Geometry;
  values?: Record<string, unknown>;
}

/** The ground of a building is cut along a line, or its parts are joined again. */
export interface CutChange {
  op: "cut" | "join";
  layer: "buildings";
  id: string;
  geometry?: Geometry;
  /** What the parts hold, each named by a place on its ground. */
  parts?: { at: Position; households: number; population: number | null }[];
}

export interface LayerFeature {
  id: number;
  geometry: Geometry | null;
  properties: Record<string, unknown>;
}

export interface BaseAnswer {
  dataset: number;
  revision: number;
  recut: boolean;
  cells_new: number;
  cells_gone: number;
  households: number;
  unmatched: { cell_ix: number; households: number; buildings: string[] }[];
}

export interface CountsPreview {
  matched: number;
  households: number;
  unmatched_rows: {
    row: number;
    compound: string | null;
    building: string | null;
    id: string | null;
    address: string | null;
    /** In English, and which sentence it is. */
    why: string;
    case?: string;
    candidates: { id: string; compound: string | null; name: string | null }[];
  }[];
  unmatched_buildings: { id: string; compound: string | null; name: string | null; households: number }[];
  doubles: { rows: number[]; buildings: string[] }[];
  bad_numbers: { row: number; column: string; text: string }[];
  columns: Record<string, string>;
  notes: string[];
  changes: BaseChange[];
}

export interface OutlinesPreview {
  added: number;
  moved: number;
  left_out: { row: number; name: string | null; why: string; case?: string; near: string | null }[];
  parts: { name: string; rows: number; taken: boolean }[];
  crs: string;
  columns: Record<string, string>;
  notes: string[];
  changes: BaseChange[];
}

export interface OutlineWish {
  layer: "buildings" | "streets";
  /** Empty: as the file says. */
  crs: string;
  /** CAD layers of a drawing; empty: as the server thinks fit. */
  parts: string[];
}

export interface BaseClient {
  features(dataset: string, layer: string, bbox: Bbox, limit?: number): Promise<LayerFeature[]>;
  apply(
    plan: string,
    revision: number,
    body: { key: string; changes: (BaseChange | CutChange)[]; undoes: number | null },
    progress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<BaseAnswer>;
  counts(dataset: string, file: File, columns: Record<string, string>): Promise<CountsPreview>;
  outlines(dataset: string, file: File, wish: OutlineWish): Promise<OutlinesPreview>;
}

const LINES = "application/x-ndjson";
const SHEETS: Record<string, string> = {
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};
const OUTLINES: Record<string, string> = {
  geojson: "application/geo+json",
  json: "application/geo+json",
  kml: "application/vnd.google-earth.kml+xml",
  kmz: "application/vnd.google-earth.kmz",
  dxf: "image/vnd.dxf",
};

/** Type of a file by its ending; null where it is none of them. */
export const sheetType = (name: string): string | null => SHEETS[endingOf(name)] ?? null;
export const outlineType = (name: string): string | null => OUTLINES[endingOf(name)] ?? null;
const endingOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

export function createBaseClient(ask: Ask): BaseClient {
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json() as Promise<T>;
  const data = (id: string): string => `api/datasets/${encodeURIComponent(id)}`;
  const file = (body: File, type: string | null): RequestInit => ({
    method: "POST",
    headers: { "Content-Type": type ?? "application/octet-stream" },
    body,
  });
  return {
    async features(dataset, layer, bbox, limit = 200) {
      const page = await json<{ features: LayerFeature[] }>(`${data(dataset)}/layers/${layer}?bbox=${bbox.join()}&limit=${limit}`);
      return page.features;
    },
    async apply(plan, revision, body, progress, signal) {
      const headers = { "If-Match": `"${revision}"`, Accept: LINES };
      const path = `api/plans/${encodeURIComponent(plan)}/base`;
      return readLines(await ask(path, { ...sending("POST", body, headers), signal }), progress);
    },
    counts(dataset, sheet, columns) {
      const query = new URLSearchParams(Object.entries(columns).map(([target, name]) => ["map", `${target}=${name}`]));
      return json(`${data(dataset)}/counts?${query}`, file(sheet, sheetType(sheet.name)));
    },
    outlines(dataset, drawing, { layer, crs, parts }) {
      const query = new URLSearchParams({ layer, name: drawing.name });
      if (crs !== "") query.set("crs", crs);
      for (const part of parts) query.append("part", part);
      return json(`${data(dataset)}/outlines?${query}`, file(drawing, outlineType(drawing.name)));
    },
  };
}

/** Read lines of progress up to the answer; a problem in their place is thrown as if it were the status. */
async function readLines<T>(response: Response, progress: (share: number) => void): Promise<T> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = (await reader?.read().catch(broken)) ?? { done: true, value: undefined };
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const said = JSON.parse(line) as { progress?: number; answer?: T; problem?: Record<string, unknown> };
      if (said.answer !== undefined) return said.answer;
      if (said.problem) {
        const { code, status, detail } = said.problem as { code: string; status: number; detail: string };
        throw new ApiError(code, status, detail, said.problem);
      }
      if (said.progress !== undefined) progress(said.progress);
    }
    if (done) throw new ApiError("no-connection", 0, "");
  }
}

function broken(error: unknown): never {
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw new ApiError("no-connection", 0, "");
}
