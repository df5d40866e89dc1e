/** What the worker's page asks the server besides cases themselves. */

import { ApiError, type Ask } from "./request";
import type { CaseRow, StaffNear } from "./cases";
import type { PlanSummary } from "./types";

/** Whose cases are shown: those of a unit, or all that lie in a grid. */
export interface Owner {
  kind: "unit" | "grid";
  name: string;
}

/** `serial`: the step from which events go on where the list ends. */
export interface MyCases {
  rows: CaseRow[];
  serial: number;
}

export interface GridName {
  code: string;
  name: string | null;
  retired: boolean;
}

/** The grid at a place that holds now: its outline, and who can be sent there. */
export interface Ground {
  grid_code: string | null;
  border?: { type: string; coordinates: unknown } | null;
  staff?: StaffNear[] | null;
}

export interface BaseFile {
  etag: string;
  bytes: ArrayBuffer;
}

export interface PhoneClient {
  /** Open cases, at most 500. */
  mine(owner: Owner): Promise<MyCases>;
  plans(): Promise<PlanSummary[]>;
  /** Grids that a plan has now. */
  grids(plan: number | string): Promise<GridName[]>;
  ground(lon: number, lat: number): Promise<Ground>;
  base(dataset: number | string): Promise<BaseFile>;
  /** Bytes of the base map as it would come; null where the server does not say. */
  baseBytes(dataset: number | string): Promise<number | null>;
}

const MOST = 500;
/** People that are named for a place. */
const STAFF = 5;

export function createPhoneClient(ask: Ask): PhoneClient {
  const json = async <T>(path: string): Promise<T> => readAnswer<T>(await ask(path));
  return {
    async mine({ kind, name }) {
      const query = new URLSearchParams({ open: "true", [kind]: name, limit: String(MOST) });
      const { incidents, serial } = await json<{ incidents: CaseRow[]; serial: number }>(`api/incidents?${query}`);
      return { rows: incidents, serial };
    },
    plans: () => json("api/plans?limit=200"),
    async grids(plan) {
      const { grids } = await json<{ grids: GridName[] }>(`api/plans/${plan}/state`);
      return grids.filter(({ retired }) => !retired);
    },
    ground: (lon, lat) => json(`api/locate/grid?x=${lon}&y=${lat}&border=true&staff=${STAFF}`),
    async baseBytes(dataset) {
      const { headers } = await ask(`api/datasets/${dataset}/base.bin`, { method: "HEAD" });
      const length = headers.get("Content-Length");
      return length === null ? null : Number(length);
    },
    async base(dataset) {
      const response = await ask(`api/datasets/${dataset}/base.bin`);
      return { etag: response.headers.get("ETag") ?? "", bytes: await response.arrayBuffer() };
    },
  };
}

/** Read JSON; a page of somebody else (the login of a network, a proxy that stumbles) counts as no answer. */
export async function readAnswer<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError("no-connection", 0, "");
  }
}

/**
 * A fetch that gives up after a while, with what it reads: on a weak line it would otherwise hang for minutes, and all that
 * waits behind it.
 */
export function patientFetch(
  wait: (url: string, init: RequestInit) => number,
  fetcher: typeof fetch = (url, init) => fetch(url, init),
): (url: string, init?: RequestInit) => Promise<Response> {
  return async (url, init = {}) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), wait(url, init));
    try {
      const { body, status, headers } = await whole(await fetcher(url, { ...init, signal: stop.signal }));
      return new Response(body, { status, headers });
    } catch {
      throw new TypeError("no answer");
    } finally {
      clearTimeout(timer);
    }
  };
}

async function whole(response: Response): Promise<{ body: ArrayBuffer | null; status: number; headers: Headers }> {
  const bytes = await response.arrayBuffer();
  return { body: bytes.byteLength > 0 ? bytes : null, status: response.status, headers: response.headers };
}
