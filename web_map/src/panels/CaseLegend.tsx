import { useDispatch } from "./casecontext";

const RINGS = ["waiting", "out", "taken", "parked", "back"] as const;

/** What the rings on the map mean. */
export function RingLegend() {
  const { state } = useDispatch();
  const { t } = state;
  if (state.narrow.value) return null;
  return (
    <section class="legend case-legend" aria-label={t("legend")}>
      <ul>
        {RINGS.map((ring) => (
          <li key={ring}>
            <span class={`case-ring is-${ring}`} aria-hidden="true" />
            <span>{t(`case.ring.${ring}`)}</span>
          </li>
        ))}
        <li>
          <b class="late-mark" aria-hidden="true">
            !
          </b>
          <span>{t("case.ring.late")}</span>
        </li>
      </ul>
    </section>
  );
}
