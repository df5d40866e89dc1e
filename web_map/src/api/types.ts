/** What the API answers, as far as the map reads it (docs/http.md). */

export type Bbox = [west: number, south: number, east: number, north: number];

export interface PlanSummary {
  id: string;
  dataset_id: string;
  name: string;
  state: "draft" | "published" | "superseded";
  revision: number;
  created_at: string;
  n_grids: number;
  n_cells: number;
  households: number;
  bounds: [min: number, max: number];
  bbox: Bbox;
  /** The plan that it was branched from. */
  based_on?: string | number | null;
  /** In force from and until; null: never was, still is. */
  valid_from?: string | null;
  valid_to?: string | null;
}

/** A data version: one import of the layers of a town. */
export interface DatasetSummary {
  id: string;
  name: string;
  counts: Record<string, number>;
}

export interface DatasetBoundary {
  code: string;
  name: string | null;
  households: number;
  n_cells: number;
}

export interface PlanDetail extends PlanSummary {
  attribution: string;
  boundaries: { code: string; name: string; households: number; n_grids: number }[];
}

export interface GridProperties {
  code: string;
  name: string | null;
  boundary_code: string | null;
  boundary_name: string | null;
  households: number;
  population: number | null;
  area_m2: number;
  perimeter_m: number;
  polsby_popper: number;
  deviation: number | null;
  in_bounds: boolean;
  colour: number;
  label: [lon: number, lat: number];
  /** A grid that was dissolved: it keeps its number and has nothing else. */
  retired?: boolean;
}

/** What is left of a grid that was dissolved. */
export function retiredGrid(code: string): GridProperties {
  return {
    code,
    name: null,
    boundary_code: null,
    boundary_name: null,
    households: 0,
    population: 0,
    area_m2: 0,
    perimeter_m: 0,
    polsby_popper: 0,
    deviation: null,
    in_bounds: true,
    colour: 0,
    label: [0, 0],
    retired: true,
  };
}

export interface GridFeature {
  properties: GridProperties;
  geometry: { type: string; coordinates: unknown } | null;
}

/** The grids in force where a plan lies, and the plans that they are of. */
export interface InForce {
  plans: (string | number)[];
  features: { geometry: GridFeature["geometry"] }[];
}

export interface BuildingInfo {
  id: string;
  name: string | null;
  address: string | null;
  households: number;
  population: number | null;
  levels: number | null;
  use: string | null;
  /** The building that this is a part of; null where it is whole. */
  source_id: string | null;
}

export interface CellInfo {
  cell_ix: number;
  households: number;
  area_m2: number;
  grid: GridProperties | null;
  buildings: BuildingInfo[];
}

export interface SearchHit {
  kind: "grid" | "building" | "street" | "facility";
  title: string;
  detail: string | null;
  grid_code: string | null;
  cell_ix: number | null;
  lon: number;
  lat: number;
  bbox: Bbox | null;
}

/** Systems of coordinates that people paste. */
export type Datum = "wgs84" | "cgcs2000" | "gcj02" | "bd09";

/** One way to read pasted coordinates; `lon`, `lat` in WGS 84. */
export interface PlaceReading {
  lon: number;
  lat: number;
  crs: string;
  crs_stated: boolean;
  order: "lon-lat" | "lat-lon";
}

export interface LocateAnswer {
  status: "inside" | "on_border" | "outside";
  grid_code: string | null;
  border_m: number | null;
  nearest_code: string | null;
  cell_ix: number | null;
  lon: number;
  lat: number;
}
