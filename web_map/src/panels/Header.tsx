import type { Key } from "../i18n";
import { useApp } from "./context";
import { ExportMenu } from "./ExportMenu";
import { Icon } from "./icons";
import { PhoneLink } from "./PhoneLink";
import { PlanMenu } from "./PlanMenu";
import { Search } from "./Search";
import type { Room } from "../state/state";

export function Header() {
  const { state, desk, dispatch } = useApp();
  const { t, lang } = state;
  const planning = state.room.value === "plan";
  return (
    <header class={planning ? "header" : "header is-dispatch"}>
      <h1 class="brand">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M6 7h9v8H6zM17 7h9v5h-9zM17 14h9v11h-9zM6 17h9v8H6z" />
        </svg>
        <span class="brand-name">{t("brand")}</span>
      </h1>
      <Rooms />
      {planning ? (
        <>
          <PlanChooser />
          <PlanMenu />
          {state.plan.value && <Search />}
          <ExportMenu />
        </>
      ) : (
        <>
          <span class="space" />
          <PhoneLink />
        </>
      )}
      <button
        type="button"
        class="button quiet"
        lang={lang.value === "en" ? "zh-CN" : "en"}
        title={t("lang.switch")}
        aria-label={t("lang.switch")}
        onClick={() => (lang.value = lang.value === "en" ? "zh-CN" : "en")}
      >
        {t("lang.short")}
      </button>
      <button
        type="button"
        class="button quiet"
        title={`${t("keys.title")} (?)`}
        aria-label={t("keys.title")}
        onClick={() => (planning ? (desk.dialog.value = "shortcuts") : dispatch.value.room?.help())}
      >
        <Icon name="help" size={16} />
      </button>
    </header>
  );
}

const ROOMS: Room[] = ["plan", "dispatch"];

/** The desks of the page. */
function Rooms() {
  const { state } = useApp();
  const { t, room } = state;
  return (
    <nav class="rooms" aria-label={t("desk.choose")}>
      {ROOMS.map((each) => (
        <button key={each} type="button" aria-current={room.value === each ? "page" : undefined} onClick={() => (room.value = each)}>
          {t(`desk.${each}`)}
        </button>
      ))}
    </nav>
  );
}

function PlanChooser() {
  const { state, actions } = useApp();
  const { t, plans, plan } = state;
  const now = state.totals.value.grids;
  if (plans.value.length === 0) return <span class="space" />;
  return (
    <select
      class="plan-chooser"
      aria-label={t("plan.choose")}
      value={plan.value?.id ?? ""}
      onChange={(event) => void actions.openPlan(event.currentTarget.value)}
    >
      {plans.value.map(({ id, name, n_grids, state: standing }) => (
        <option key={id} value={id}>
          {t("plan.option", { name, grids: id === plan.value?.id ? now || n_grids : n_grids, state: t(`state.${standing}` as Key) })}
        </option>
      ))}
    </select>
  );
}
