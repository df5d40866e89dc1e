/** A draft loaded anew behind its picture, because its base data are others now: the hand never waits, and nothing flashes. */

import { batch, effect } from "@preact/signals";
import { Beside, colourGrids } from "../kernels/colouring";
import type { Client } from "../api/client";
import type { EditingClient } from "../api/edits";
import type { GridProperties } from "../api/types";
import type { Actions, Fresh } from "./actions";
import type { EditSession } from "./edit";
import { chosenColours } from "./editing-grids";
import { loadDraft, type Loaded } from "./editing-load";
import { stepsOf } from "./history";
import type { Outbox } from "./outbox";
import type { State } from "./state";
import type { Renewal } from "./sync";
import { hasBase } from "./syncbase";

export interface RenewalParts {
  state: State;
  actions: Pick<Actions, "prepare" | "relocateSpot">;
  client: Pick<Client, "binary">;
  editing: Pick<EditingClient, "state" | "edits">;
  edit: EditSession;
  outbox: Outbox;
}

/** Steps that can be taken back after a reload. Further back the history list returns to any point. */
export const STEPS_BACK = 2000;
/** How often it is begun again at once where base data changed while it was loaded. */
const TRIES = 3;

/** Load all that a draft is made of; null where another plan was opened, or base data change faster than they are loaded. */
export async function renewDraft(parts: RenewalParts, plan: string, since: number): Promise<Renewal | null> {
  const { actions, client, editing, edit, outbox } = parts;
  for (let tries = 0; tries < TRIES; tries++) {
    const fresh = await actions.prepare(plan);
    if (!fresh) return null;
    const loaded = await loadDraft(client, editing, plan, fresh.plan.dataset_id, fresh.gridIx, fresh.revision).catch(
      (error: unknown) => {
        // Cells and graph of two versions do not fit together.
        if (error instanceof RangeError) return null;
        throw error;
      },
    );
    const from = Math.max(0, Math.min(since, fresh.revision - STEPS_BACK));
    const [log, mine] = await Promise.all([editing.edits(plan, from, true), outbox.mine(plan)]);
    if (!loaded || log.some((each) => each.revision > fresh.plan.revision && hasBase([each]))) continue;
    await handFree(edit);
    return {
      revision: loaded.revision,
      log,
      swap: (unsent) =>
        batch(() => {
          fresh.take(asColoured(fresh, loaded));
          edit.replace(loaded);
          const steps = stepsOf(log.filter(({ revision }) => revision <= loaded.revision), mine, unsent);
          edit.restoreHistory(steps.done, steps.undone);
          actions.relocateSpot();
        }),
    };
  }
  return null;
}

// Numbers of cells must not change under a gesture.
function handFree({ holding }: EditSession): Promise<void> {
  return new Promise((done) => {
    const stop = effect(() => {
      if (holding.value) return;
      queueMicrotask(() => stop());
      done();
    });
  });
}

// The colours that the edits of the page go on with.
function asColoured({ grids }: Fresh, { live, ground: { attributes } }: Loaded): GridProperties[] {
  const colours = colourGrids(new Beside(live).rows, chosenColours(grids, attributes));
  return grids.map((grid, ix) => (grid.retired ? grid : { ...grid, colour: colours[ix] }));
}
