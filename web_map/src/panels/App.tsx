import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useApp } from "./context";
import { Bars } from "./Bars";
import { CompareView } from "./CompareView";
import { Dialogs } from "./Dialogs";
import { Header } from "./Header";
import { Legend } from "./Legend";
import { Notice } from "./Notice";
import { Panel } from "./Panel";
import { Status } from "./Status";
import { ToolBar } from "./ToolBar";
import { Tools } from "./Tools";
import { Tour } from "./Tour";

/** While the dispatcher's desk is on its way. */
function Opening() {
  const { state, dispatch, enterDispatch } = useApp();
  const { t } = state;
  if (!dispatch.value.failed) return <p class="panel-empty">{t("desk.loading")}</p>;
  return (
    <div class="panel-empty" role="alert">
      <p>{t("desk.failed")}</p>
      <button type="button" class="button primary" onClick={enterDispatch}>
        {t("error.retry")}
      </button>
    </div>
  );
}

export function App({ mapElement, onResize }: { mapElement: HTMLElement; onResize: () => void }) {
  const { state, actions, compare, relayout, dispatch } = useApp();
  const { t } = state;
  // The map has another size beside a second one; it keeps its middle.
  useLayoutEffect(relayout, [compare.view.value]);
  const frameClass = ["map-frame", state.plan.value ? "" : "is-empty", compare.view.value ? `is-${compare.view.value}` : ""].join(" ").trim();
  const host = useRef<HTMLDivElement>(null);
  const room = state.room.value === "dispatch" ? dispatch.value.room : null;
  const planning = state.room.value === "plan";
  useEffect(() => {
    host.current?.append(mapElement);
    onResize();
    const watcher = new ResizeObserver(onResize);
    watcher.observe(mapElement);
    return () => watcher.disconnect();
  }, []);
  return (
    <>
      <a class="skip" href="#list">
        {t(planning ? "skip" : "case.skip")}
      </a>
      <Header />
      <div class="middle">
        {planning ? <Tools /> : room && <room.Tools />}
        <main class={frameClass}>
          <div class="map-host" ref={host} />
          {planning && <CompareView />}
          {state.phase.value === "ready" && (
            <button
              type="button"
              class="whole"
              title={t("map.whole")}
              aria-label={t("map.whole")}
              onClick={actions.zoomToPlan}
            >
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" />
              </svg>
            </button>
          )}
          {planning && <ToolBar />}
          {planning ? <Legend /> : room && <room.Over />}
          {planning && <Bars />}
          <Notice />
        </main>
        <Panel body={planning ? undefined : (room?.Panel ?? Opening)} />
      </div>
      {planning || !room ? <Status /> : <room.Status />}
      {planning && <Tour />}
      {planning ? <Dialogs /> : room && <room.Dialogs />}
      <div class="visually-hidden" role="status" aria-live="polite">
        {state.live.value}
      </div>
    </>
  );
}
