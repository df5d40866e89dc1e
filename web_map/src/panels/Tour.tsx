import { useEffect, useRef } from "preact/hooks";
import type { Key } from "../i18n";
import { useApp } from "./context";
import { Icon } from "./icons";

export const STEPS = 5;
const WHERE = ["map", "panel", "tools", "status", "plan"] as const;

/** Five steps for who comes first: what is where, and that nothing can be broken. */
export function Tour() {
  const { state, desk } = useApp();
  const { t } = state;
  const step = desk.tour.value;
  const next = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (step !== null && step > 0) next.current?.focus();
  }, [step]);
  if (step === null || state.phase.value !== "ready") return null;
  const last = step >= STEPS - 1;
  const end = (): void => void (desk.tour.value = null);
  return (
    <section
      class={`tour at-${WHERE[step]}`}
      role="dialog"
      aria-label={t("tour")}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), end())}
    >
      <button type="button" class="icon-button tour-close" aria-label={t("tour.end")} title={t("tour.end")} onClick={end}>
        <Icon name="close" size={14} />
      </button>
      <h2>{t(`tour.${step + 1}.title` as Key)}</h2>
      <p>{t(`tour.${step + 1}.text` as Key)}</p>
      <footer>
        <span class="muted">
          {step + 1}/{STEPS}
        </span>
        <span class="space" />
        {step > 0 && (
          <button type="button" class="button" onClick={() => (desk.tour.value = step - 1)}>
            {t("tour.back")}
          </button>
        )}
        <button ref={next} type="button" class="button primary" onClick={() => (desk.tour.value = last ? null : step + 1)}>
          {t(last ? "tour.done" : "tour.next")}
        </button>
      </footer>
    </section>
  );
}
