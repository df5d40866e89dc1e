/** The frame: the state of the line above, a page in the middle, the pages' names below where the thumb is. */

import { useEffect } from "preact/hooks";
import { formatTime } from "../i18n/format";
import { CaseList } from "./CaseList";
import { CasePage } from "./CasePage";
import { usePhone } from "./context";
import { MePage } from "./MePage";
import { QueuePage } from "./QueuePage";
import { ReportPage } from "./ReportPage";
import type { Route } from "./state";
import type { PhoneKey } from "./words";

const NOTICE_MS = 6000;

export function PhoneApp() {
  const { state } = usePhone();
  const route = state.route.value;
  return (
    <>
      <TopBar route={route} />
      <Banners />
      <main class="page" id="page" key={route.page === "case" ? `case${route.id}` : route.page}>
        {route.page === "cases" && <CaseList />}
        {route.page === "case" && <CasePage id={route.id} />}
        {route.page === "new" && <ReportPage />}
        {route.page === "queue" && <QueuePage />}
        {route.page === "me" && <MePage />}
      </main>
      <NoticeBar />
      <NavBar route={route} />
    </>
  );
}

function TopBar({ route }: { route: Route }) {
  const { state, t, go } = usePhone();
  const head: PhoneKey = route.page === "cases" ? "cases" : route.page === "case" ? "case" : route.page;
  const other = state.lang.value === "en" ? "zh-CN" : "en";
  return (
    <header class="top">
      {route.page === "case" ? (
        <button type="button" class="top-button" onClick={() => go({ page: "cases" })}>
          <span aria-hidden="true">‹</span> {t("back")}
        </button>
      ) : null}
      <h1 tabIndex={-1}>{t(head, route.page === "case" ? { id: String(route.id) } : {})}</h1>
      <button
        type="button"
        class="top-button"
        lang={other}
        aria-label={t("lang.switch")}
        onClick={() => (state.lang.value = other)}
      >
        {t("lang.short")}
      </button>
      <LineState />
    </header>
  );
}

/** What is with the server and what is not, always said. */
function LineState() {
  const { state, queue, t } = usePhone();
  const waiting = queue.entries.value.filter(({ refused }) => !refused).length;
  const refused = queue.entries.value.length - waiting;
  const line = queue.line.value;
  const rows = state.rows.value;
  const words: string[] = [];
  if (refused > 0) words.push(t("line.refused", { count: refused }));
  if (queue.sending.value !== null) words.push(t("line.sending"));
  if (waiting > 0) words.push(t("line.waiting", { count: waiting }));
  if (line === "dead" || line === "busy" || line === "locked") words.push(t(`line.${line}`));
  if (words.length === 0) words.push(t(queue.entries.value.length === 0 ? "line.all" : "line.none"));
  if (rows && line !== "open") words.push(t("line.asOf", { time: formatTime(rows.at, state.lang.value) }));
  const tone = refused > 0 ? "is-bad" : waiting > 0 || line === "dead" || line === "locked" ? "is-waiting" : "";
  return (
    <p class={`line ${tone}`} role="status">
      <span class="line-mark" aria-hidden="true">
        {refused > 0 ? "!" : waiting > 0 ? "↑" : line === "dead" || line === "locked" ? "×" : "✓"}
      </span>
      {words.join(" · ")}
    </p>
  );
}

function Banners() {
  const { state, t } = usePhone();
  return (
    <>
      {state.newer.value && (
        <p class="banner">
          {t("newer")}{" "}
          <button type="button" class="small-button" onClick={() => location.reload()}>
            {t("newer.load")}
          </button>
        </p>
      )}
      {!state.lasting.value && <p class="banner is-bad">{t("notLasting")}</p>}
      {!window.isSecureContext && <p class="banner">{t("insecure")}</p>}
    </>
  );
}

function NoticeBar() {
  const { state, t } = usePhone();
  const notice = state.notice.value;
  useEffect(() => {
    if (!notice || notice.tone === "bad") return;
    const timer = setTimeout(() => (state.notice.value = null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div class="notice-place" role={notice?.tone === "bad" ? "alert" : "status"}>
      {notice && (
        <p class={`notice is-${notice.tone}`}>
          <span>{notice.text}</span>
          <button type="button" class="small-button" onClick={() => (state.notice.value = null)}>
            {t("close")}
          </button>
        </p>
      )}
    </div>
  );
}

const PAGES = ["cases", "new", "queue", "me"] as const;
const MARKS: Record<(typeof PAGES)[number], string> = { cases: "☰", new: "＋", queue: "↑", me: "☺" };

function NavBar({ route }: { route: Route }) {
  const { queue, t } = usePhone();
  const count = queue.entries.value.length;
  return (
    <nav class="bottom" aria-label={t("nav")}>
      {PAGES.map((page) => (
        <a key={page} href={`#/${page}`} aria-current={route.page === page ? "page" : undefined}>
          <span class="nav-mark" aria-hidden="true">
            {MARKS[page]}
          </span>
          <span>
            {t(`nav.${page}`)}
            {page === "queue" && count > 0 && <b class="nav-count">{count}</b>}
          </span>
        </a>
      ))}
    </nav>
  );
}
