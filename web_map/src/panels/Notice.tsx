import { problemWords } from "../state/problems";
import type { Failure } from "../state/state";
import { useApp } from "./context";

/** Over the map while there is no plan to show: what is going on, and what to do. */
export function Notice() {
  const { state, actions, desk } = useApp();
  const { t, phase, failure, plan, received } = state;
  if (phase.value === "ready") return null;
  if (phase.value === "empty" && state.datasets.value.length > 0)
    return (
      <div class="notice" role="status">
        <h2>{t("empty.title")}</h2>
        <p>{loadedWords()}</p>
        <button type="button" class="button primary" onClick={() => (desk.dialog.value = "first")}>
          {t("first.make")} …
        </button>
      </div>
    );
  if (phase.value === "empty")
    return (
      <div class="notice" role="status">
        <h2>{t("empty.title")}</h2>
        <p>{t("empty.text")}</p>
        <button type="button" class="button primary" onClick={() => void actions.start(null)}>
          {t("empty.again")}
        </button>
      </div>
    );
  if (phase.value === "failed" && failure.value)
    return (
      <div class="notice" role="alert">
        <p>{wordsOf(failure.value)}</p>
        <button type="button" class="button primary" onClick={actions.retry}>
          {t("error.retry")}
        </button>
      </div>
    );
  const name = plan.value?.name ?? "";
  const size = (received.value / 1_000_000).toFixed(1);
  return (
    <>
      <div class="progress" aria-hidden="true" />
      <p class="loading" role="status">
        {!plan.value
          ? t("loading.plans")
          : received.value > 50_000
            ? t("loading.bytes", { name, size })
            : t("loading.plan", { name })}
      </p>
    </>
  );

  function loadedWords(): string {
    const [first, ...others] = state.datasets.value;
    if (others.length > 0) return t("first.textMany", { count: others.length + 1 });
    return t("first.text", { name: first.name, buildings: first.counts.buildings ?? 0 });
  }

  function wordsOf({ code, status, detail }: Failure): string {
    if (code === "no-connection") return t("error.noConnection");
    if (code === "no-browser") return t("error.browser");
    if (status === 404) return t("error.notFound");
    if (code === "unreadable") return t("error.unreadable");
    return t("error.other", { status: String(status), detail: problemWords(state, { code, detail }) });
  }
}
