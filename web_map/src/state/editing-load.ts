/** What a draft needs beside the map: its graph and its attributes, asked for once the map is painted. */

import { effect, untracked } from "@preact/signals";
import { type Client, graphPath } from "../api/client";
import type { EditingClient } from "../api/edits";
import { decodeBundle } from "../api/wgb1";
import { type GraphMeta, readGraph } from "../kernels/adjacency";
import { indexAnchors } from "../kernels/anchors";
import { LivePlan } from "../kernels/live";
import { Attributes } from "./attributes";
import type { EditSession } from "./edit";
import type { Ground } from "./editing-rules";
import type { State } from "./state";

export interface Loaded {
  live: LivePlan;
  ground: Ground;
  /** Revision of the plan that all of this holds for; later edits come from the server. */
  revision: number;
}

/** Load what is needed to edit; `gridIx` is taken over and changes with the plan. */
export async function loadDraft(
  client: Pick<Client, "binary">,
  editing: Pick<EditingClient, "state">,
  planId: string,
  datasetId: string,
  gridIx: Int32Array,
  cellsRevision: number,
): Promise<Loaded> {
  const [answer, buffer] = await Promise.all([editing.state(planId), client.binary(graphPath(datasetId))]);
  const bundle = decodeBundle<GraphMeta>(buffer);
  const graph = readGraph(bundle);
  const attributes = new Attributes(answer);
  let most = attributes.codes.length;
  for (const grid of gridIx) if (grid >= most) most = grid + 1;
  const live = new LivePlan(graph, gridIx, most);
  const areas = new Map(bundle.meta.areas.map((area, ix) => [area.code, ix]));
  const areaNames = new Map(bundle.meta.areas.flatMap(({ code, name }) => (name ? [[code, name]] : [])));
  return {
    live,
    ground: { graph, gridOf: live.gridOf, attributes, anchors: indexAnchors(graph), areas, areaNames },
    revision: Math.min(cellsRevision, answer.revision),
  };
}

/** Open the session whenever a draft is on the page, and close it with the draft. */
export function connectDraft(
  state: State,
  session: EditSession,
  client: Pick<Client, "binary">,
  editing: Pick<EditingClient, "state">,
): void {
  let open: Int32Array | null = null;
  effect(() => {
    const plan = state.plan.value;
    const gridIx = state.gridIx.value;
    const wanted = plan?.state === "draft" && gridIx !== null && state.painted.value;
    if ((wanted ? gridIx : null) === open) return;
    open = wanted ? gridIx : null;
    // Other base data came under a draft that is open.
    if (wanted && session.ground?.gridOf === gridIx) return;
    untracked(() => {
      if (!wanted) return session.close();
      void session.open(() => loadDraft(client, editing, plan.id, plan.dataset_id, gridIx, state.revision.value));
    });
  });
}
