/** The only place that asks the server. Paths are relative to the page, so that the app may live under a prefix. */

import { createAsk, type Fetcher } from "./request";
import type {
  CellInfo,
  DatasetBoundary,
  DatasetSummary,
  Datum,
  GridFeature,
  InForce,
  LocateAnswer,
  PlaceReading,
  PlanDetail,
  PlanSummary,
  SearchHit,
} from "./types";

export { ApiError, type Fetcher } from "./request";
export type OnBytes = (received: number) => void;

export interface Client {
  /** Data versions, the newest first. */
  datasets(): Promise<DatasetSummary[]>;
  boundaries(dataset: string): Promise<DatasetBoundary[]>;
  plans(): Promise<PlanSummary[]>;
  plan(id: string): Promise<PlanDetail>;
  grids(id: string): Promise<GridFeature[]>;
  /** What holds now where a plan lies. */
  inForce(id: string): Promise<InForce>;
  cell(id: string, cellIx: number): Promise<CellInfo>;
  search(id: string, text: string, signal?: AbortSignal): Promise<SearchHit[]>;
  locate(id: string, lon: number, lat: number): Promise<LocateAnswer>;
  /** Pasted coordinates, read in every way that is possible. */
  places(id: string, text: string, datum: Datum, signal?: AbortSignal): Promise<PlaceReading[]>;
  binary(path: string, onBytes?: OnBytes): Promise<ArrayBuffer>;
  json<T>(path: string): Promise<T>;
}

export const cellsPath = (planId: string): string => `api/plans/${encodeURIComponent(planId)}/cells.bin`;
export const basePath = (datasetId: string): string => `api/datasets/${encodeURIComponent(datasetId)}/base.bin`;

/** Columns of the buildings that hold numbers, and one of them cell by cell. */
export const columnsPath = (datasetId: string): string => `api/datasets/${encodeURIComponent(datasetId)}/workload`;
export const numbersPath = (datasetId: string, formula: string): string =>
  `api/datasets/${encodeURIComponent(datasetId)}/numbers.bin?formula=${encodeURIComponent(formula)}`;

export const graphPath = (datasetId: string): string => `api/datasets/${encodeURIComponent(datasetId)}/graph.bin`;

export function createClient(root: string, fetcher: Fetcher = (url, init) => fetch(url, init)): Client {
  const ask = createAsk(root, fetcher);
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json() as Promise<T>;
  const plan = (id: string): string => `api/plans/${encodeURIComponent(id)}`;
  return {
    datasets: async () => (await json<DatasetSummary[]>("api/datasets")).map((each) => ({ ...each, id: String(each.id) })),
    boundaries: (dataset) => json(`api/datasets/${encodeURIComponent(dataset)}/boundaries`),
    plans: async () => (await json<PlanSummary[]>("api/plans")).map(withTextIds),
    plan: async (id) => withTextIds(await json<PlanDetail>(plan(id))),
    inForce: (id) => json(`${plan(id)}/in-force`),
    grids: async (id) => (await json<{ features: GridFeature[] }>(`${plan(id)}/grids`)).features,
    cell: (id, cellIx) => json(`${plan(id)}/cells/${cellIx}`),
    search: (id, text, signal) =>
      json(`${plan(id)}/search?limit=12&q=${encodeURIComponent(text)}`, signal ? { signal } : {}),
    locate: (id, lon, lat) => json(`api/locate?x=${lon}&y=${lat}&crs=wgs84&plan=${encodeURIComponent(id)}`),
    places: (id, text, datum, signal) =>
      json(
        `api/locate/places?plan=${encodeURIComponent(id)}&crs=${datum}&text=${encodeURIComponent(text)}`,
        signal ? { signal } : {},
      ),
    json,
    binary: async (path, onBytes) => readBytes(await ask(path), onBytes),
  };
}

/** The store may count its plans; here an id is a text that goes into addresses. */
export function withTextIds<T extends PlanSummary>(plan: T): T {
  return { ...plan, id: String(plan.id), dataset_id: String(plan.dataset_id) };
}

async function readBytes(response: Response, onBytes?: OnBytes): Promise<ArrayBuffer> {
  if (!onBytes || !response.body) return response.arrayBuffer();
  const chunks: Uint8Array[] = [];
  let received = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    received += value.length;
    onBytes(received);
  }
  const whole = new Uint8Array(received);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole.buffer;
}
