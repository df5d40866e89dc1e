/** A draft on a small town, opened in an edit session, for tests. */

import type { GridProperties } from "../src/api/types";
import { indexAnchors } from "../src/kernels/anchors";
import { LivePlan } from "../src/kernels/live";
import { Attributes } from "../src/state/attributes";
import { createCommands } from "../src/state/commands";
import { createEditSession } from "../src/state/edit";
import { GridList } from "../src/state/editing-grids";
import { createState } from "../src/state/state";
import { createTools } from "../src/state/tools";
import { growGrids, makeTown, type TownOptions } from "./planar";
import { randomFrom } from "./random";

export async function openDraft(seed = 1, options: TownOptions = { columns: 12, rows: 10, areas: 2 }, nGrids = 8, partOf?: (grid: number) => string) {
  const random = randomFrom(seed);
  const graph = makeTown(options, random);
  const gridOf = growGrids(graph, nGrids, random);
  const areaOf = Array.from({ length: nGrids }, (_, grid) => graph.areaIx[gridOf.indexOf(grid)] ?? 0);
  const live = new LivePlan(graph, gridOf, nGrids);
  const attributes = new Attributes({
    plan: "1",
    revision: 4,
    state: "draft",
    grids: areaOf.map((area, ix) => ({
      grid_ix: ix,
      code: `A${area}${String(ix + 1).padStart(3, "0")}`,
      boundary_code: partOf?.(ix) ?? `A${area}`,
      name: null,
      colour: null,
      locked: false,
      staff: [],
      retired: false,
    })),
    locked_cells: [],
    locked_borders: [],
    notes: [],
  });
  const areas = new Map([...new Set(areaOf)].map((area) => [`A${area}`, area]));
  const state = createState("en");
  state.gridIx.value = gridOf;
  state.grids.value = areaOf.map(() => ({ boundary_code: "A0", boundary_name: null }) as GridProperties);
  new GridList(state).refresh(live, attributes, areaOf.keys());
  const session = createEditSession(state);
  const ground = { graph, gridOf, attributes, anchors: indexAnchors(graph), areas };
  await session.open(() => Promise.resolve({ live, ground, revision: 4 }));
  const commands = createCommands(state, session);
  const tools = createTools(state, session, commands);
  return { random, graph, live, attributes, ground, state, session, commands, tools };
}

export type Draft = Awaited<ReturnType<typeof openDraft>>;

/** All that an edit may change, as text. */
export function snapshot({ live, attributes }: Draft): string {
  const { households, cells, pieces, perimeterM } = live.figures;
  const map = [...attributes.map].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([[...live.gridOf], [...households], [...cells], [...pieces], [...perimeterM], map]);
}
