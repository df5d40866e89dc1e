import type { Reason } from "../api/edits";
import { formatMetres, formatNumber, formatPercent } from "../i18n";
import type { Proposal, ProposalFigures } from "../state/edit";
import { reasonWords } from "../state/problems";
import type { State } from "../state/state";
import { Bar } from "./Bar";
import { useApp } from "./context";

/** A change before it counts: what it comes to beside what is, and why it could not do more. */
export function ProposalBar({ proposal }: { proposal: Proposal }) {
  const { state, edit } = useApp();
  const { t } = state;
  const { weighed } = proposal;
  return (
    <Bar kind="is-proposal" label={proposal.title}>
      <div class="proposal-words">
        <p>
          <b>{proposal.title}:</b>{" "}
          {weighed && movedWords(state, weighed)}
        </p>
        {weighed && <Sides weighed={weighed} />}
        <Reasons reasons={proposal.reasons} />
      </div>
      <span class="decision-buttons">
        <button type="button" class="button primary" onClick={() => void edit.acceptProposal()}>
          {t("proposal.accept")}
        </button>
        <button type="button" class="button" onClick={edit.refuseProposal}>
          {t("proposal.refuse")}
        </button>
      </span>
    </Bar>
  );
}

function movedWords({ t }: State, { households, people, cells }: ProposalFigures): string {
  // Where nobody counted people there is no number of them.
  return people > 0 ? t("proposal.textPeople", { households, people: Math.round(people), cells }) : t("proposal.text", { households, cells });
}

/** The grids that take part, now and as they would be. */
function Sides({ weighed }: { weighed: ProposalFigures }) {
  const { t } = useApp().state;
  const { before, after, ofHouseholds, inBounds } = weighed;
  const share = (inside: number, grids: number): string => t("proposal.inside", { inside, grids });
  const percent = (deviation: number | null): string => (deviation === null ? "–" : `${formatPercent(deviation)} %`);
  const metres = (length: number): string => `${formatMetres(length)} ${t("unit.m")}`;
  const rows = [
    ofHouseholds
      ? [t("proposal.inBounds"), share(before.inBounds, before.grids), share(after.inBounds, after.grids)]
      : [t("proposal.inBounds"), formatNumber(inBounds?.before ?? 0), share(inBounds?.after ?? 0, inBounds?.grids ?? 0)],
    [t("proposal.deviation"), percent(before.deviation), percent(after.deviation)],
    [t("proposal.borders"), metres(before.borderM), metres(after.borderM)],
  ];
  return (
    <table class="proposal-sides">
      <thead>
        <tr>
          <th scope="col">{t("proposal.concerned")}</th>
          <th scope="col">{t("proposal.before")}</th>
          <th scope="col">{t("proposal.after")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, was, would]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{was}</td>
            <td>{would}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const MOST = 3;

/** Why grids of a plan that was made just now are out of bounds. */
export function ReasonsBar() {
  const { state, jobs } = useApp();
  const { t } = state;
  if (jobs.reasons.value.length === 0) return null;
  return (
    <Bar kind="is-reasons" label={t("reason.title")}>
      <div class="proposal-words">
        <Reasons reasons={jobs.reasons.value} />
      </div>
      <button type="button" class="button" onClick={() => (jobs.reasons.value = [])}>
        {t("bar.close")}
      </button>
    </Bar>
  );
}

function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  const { state, edit, actions } = useApp();
  const { t } = state;
  if (reasons.length === 0) return null;
  return (
    <>
      <p class="proposal-why">{t("reason.title")}</p>
      <ul class="proposal-reasons">
        {reasons.slice(0, MOST).map((reason, at) => (
          <li key={at}>
            {reasonWords(state, reason)}{" "}
            {reason.cell_ix.length > 0 && edit.ground && (
              <button type="button" class="link" onClick={() => edit.ground && actions.fitCells(edit.ground.graph.anchor, reason.cell_ix)}>
                {t("checks.zoom")}
              </button>
            )}
          </li>
        ))}
        {reasons.length > MOST && <li class="muted">{t("reason.more", { count: reasons.length - MOST })}</li>}
      </ul>
    </>
  );
}
