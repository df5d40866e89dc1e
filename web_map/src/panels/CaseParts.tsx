import type { NearFacility, StaffNear } from "../api/cases";
import { formatMetres, formatTime } from "../i18n";
import { shortCode } from "../kernels/codes";
import { facilityWords } from "../state/casewords";
import { Chip } from "./Chip";
import { useDispatch } from "./casecontext";

/** A grid as everywhere: its coloured chip and its code; a click goes there. */
export function GridLink({ code, name, plain }: { code: string; name?: string | null; plain?: boolean }) {
  const { state, zoomTo } = useDispatch();
  const at = state.positions.value.get(code);
  const grid = at === undefined ? undefined : state.grids.value[at];
  const words = state.t("detail.grid", { code: shortCode(code) });
  const inside = (
    <>
      {grid && <Chip grid={grid} />}
      {words}
      {(name ?? grid?.name) ? ` ${name ?? grid?.name}` : ""}
    </>
  );
  if (plain || !grid) return <span class="grid-link">{inside}</span>;
  return (
    <button type="button" class="link grid-link" onClick={() => zoomTo(code)}>
      {inside}
    </button>
  );
}

/** Who can be sent: of the grid first, then of those around it; telephone numbers to press. */
export function StaffList({ staff, grid }: { staff: readonly StaffNear[]; grid: string | null }) {
  const { state } = useDispatch();
  const { t } = state;
  if (staff.length === 0) return <p class="muted">{t("case.staff.none")}</p>;
  const more = (one: StaffNear): string =>
    [
      one.grid_code === grid ? "" : t("case.staff.of", { code: shortCode(one.grid_code), metres: Math.round(one.metres) }),
      one.role ?? "",
      one.duty === "unsaid" ? t("case.staff.unsaid") : one.until ? t("case.staff.until", { time: formatTime(one.until, state.lang.value) }) : t("case.staff.on"),
      one.stands_in_for === null ? "" : t("case.staff.for", { name: one.stands_in_for }),
    ]
      .filter((part) => part !== "")
      .join(" · ");
  return (
    <ul class="case-staff" aria-label={t("case.staff")}>
      {staff.map((one, i) => (
        <li key={i}>
          <b>{one.name}</b> {one.phone && <a href={`tel:${one.phone.replace(/[^+\d]/g, "")}`}>{one.phone}</a>} <span class="muted">{more(one)}</span>
          {one.deputy && <span class="muted"> · {t("case.staff.deputy", { name: one.deputy.name, phone: one.deputy.phone ?? "" }).trim()}</span>}
        </li>
      ))}
    </ul>
  );
}

/** The nearest facility of each category, by road and by air, numbered as on the map. */
export function NearList({ near }: { near: readonly NearFacility[] | "loading" | "failed" }) {
  const { state, show } = useDispatch();
  const { t } = state;
  if (near === "loading") return <p class="muted">{t("case.near.loading")}</p>;
  if (near === "failed") return <p class="muted">{t("case.near.failed")}</p>;
  if (near.length === 0) return null;
  return (
    <details class="near" open>
      <summary>{t("case.near")}</summary>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t("case.near.what")}</th>
            <th scope="col" class="number">
              {t("case.near.road")}
            </th>
            <th scope="col" class="number">
              {t("case.near.minutes")}
            </th>
            <th scope="col" class="number">
              {t("case.near.air")}
            </th>
          </tr>
        </thead>
        <tbody>
          {near.map((one, i) => (
            <tr key={`${one.category} ${one.id ?? i}`}>
              <td class="near-what">
                <span class="near-number" aria-hidden="true">
                  {i + 1}
                </span>
                <span>
                  <button type="button" class="link" onClick={() => show(one.lon, one.lat)}>
                    {one.name ?? facilityWords(state, one.category)}
                  </button>
                  {one.name && <span class="muted"> {facilityWords(state, one.category)}</span>}
                </span>
              </td>
              <td class="number">{one.road_m === null ? t("case.near.noRoad") : formatMetres(Math.round(one.road_m))}</td>
              <td class="number">{one.minutes === null ? "" : Math.max(1, Math.round(one.minutes))}</td>
              <td class="number">{formatMetres(Math.round(one.air_m))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
