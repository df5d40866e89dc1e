import type { CaseState } from "../api/cases";
import { ringOf } from "../map/cases";
import { useDispatch } from "./casecontext";

/** Where a case stands, as everywhere on the page: a word with the ring that the map draws. */
export function CaseChip({ state: standing }: { state: CaseState }) {
  const { t } = useDispatch().state;
  return (
    <span class="case-chip" data-state={standing}>
      <span class={`case-ring is-${ringOf(standing)}`} aria-hidden="true" />
      {t(`case.state.${standing}`)}
    </span>
  );
}
