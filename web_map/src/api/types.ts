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
}

export interface GridFeature {
  properties: GridProperties;
  geometry: { type: string; coordinates: unknown } | null;
}

export interface BuildingInfo {
  id: string;
  name: string | null;
  address: string | null;
  households: number;
  population: number | null;
  levels: number | null;
  use: string | null;
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

export interface LocateAnswer {
  status: "inside" | "on_border" | "outside";
  grid_code: string | null;
  border_m: number | null;
  nearest_code: string | null;
  cell_ix: number | null;
  lon: number;
  lat: number;
}
