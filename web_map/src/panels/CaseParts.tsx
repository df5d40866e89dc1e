import { useState } from "preact/hooks";
import type { NearFacility, StaffNear } from "../api/cases";
import { formatMetres, formatTime } from "../i18n";
import { codeWords, facilityWords } from "../state/casewords";
import { Chip } from "./Chip";
import { useDispatch } from "./casecontext";

/** A grid as everywhere: its coloured chip and its code; a click goes there. */
export function GridLink({ code, name, plain }: { code: string; name?: string | null; plain?: boolean }) {
  const { state, zoomTo } = useDispatch();
  const at = state.positions.value.get(code);
  const grid = at === undefined ? undefined : state.grids.value[at];
  const words = state.t("detail.grid", { code: codeWords(state, code) });
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

const DAY_MS = 86_400_000;
/** Whether a duty has an end worth telling: who is there day and night is just on duty. */
const endsSoon = (until: string): boolean => Date.parse(until) - Date.now() < DAY_MS;

/** Who can be sent: of the grid first, then of those around it; telephone numbers to press. */
export function StaffList({ staff, grid }: { staff: readonly StaffNear[]; grid: string | null }) {
  const { state } = useDispatch();
  const { t } = state;
  if (staff.length === 0) return <p class="muted">{t("case.staff.none")}</p>;
  const whereOf = ({ grid_code, metres }: StaffNear): string => {
    const code = codeWords(state, grid_code);
    return metres < 1 ? t("detail.grid", { code }) : t("case.staff.of", { code, metres: Math.round(metres) });
  };
  const more = (one: StaffNear): string =>
    [
      one.grid_code === grid ? "" : whereOf(one),
      one.role ?? "",
      one.duty === "unsaid" ? t("case.staff.unsaid") : one.until && endsSoon(one.until) ? t("case.staff.until", { time: formatTime(one.until, state.lang.value) }) : t("case.staff.on"),
      one.stands_in_for === null ? "" : t("case.staff.for", { name: one.stands_in_for }),
    ]
      .filter((part) => part !== "")
      .join(" · ");
  return (
    <ul class="case-staff" aria-label={t("case.staff")}>
      {[...staff].sort((a, b) => Number(b.grid_code === grid) - Number(a.grid_code === grid)).map((one, i) => (
        <li key={i}>
          <b>{one.name}</b> {one.phone && <a href={`tel:${one.phone.replace(/[^+\d]/g, "")}`}>{one.phone}</a>} <span class="muted">{more(one)}</span>
          {one.deputy && i === 0 && <span class="muted"> · {t("case.staff.deputy", { name: one.deputy.name, phone: one.deputy.phone ?? "" }).trim()}</span>}
        </li>
      ))}
    </ul>
  );
}

/** Facilities that are listed at first. */
const FIRST_NEAR = 8;

/** The nearest facility of each category, by road and by air, numbered as on the map; those that help people first. */
export function NearList({ near }: { near: readonly NearFacility[] | "loading" | "failed" }) {
  const { state, show } = useDispatch();
  const { t } = state;
  const [all, setAll] = useState(false);
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
          {(all ? near : near.slice(0, FIRST_NEAR)).map((one, i) => (
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
      {!all && near.length > FIRST_NEAR && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          {t("case.near.more", { count: near.length - FIRST_NEAR })}
        </button>
      )}
    </details>
  );
}
