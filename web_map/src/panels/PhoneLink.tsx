import { useRef, useState } from "preact/hooks";
import { useApp } from "./context";
import { Menu } from "./Menu";

const HERE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The way to the worker's page: open it, or take its address along to send it to the phones. */
export function PhoneLink() {
  const { state } = useApp();
  const { t } = state;
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState<"phoneLink.copied" | "phoneLink.byHand" | null>(null);
  const address = new URL("phone", document.baseURI);
  const warning = HERE.test(address.hostname) ? "phoneLink.here" : address.protocol === "http:" ? "phoneLink.insecure" : null;
  const copy = async (): Promise<void> => {
    const done = await navigator.clipboard?.writeText(address.href).then(
      () => true,
      () => false,
    );
    if (!done) field.current?.select();
    setSaid(done ? "phoneLink.copied" : "phoneLink.byHand");
  };
  return (
    <Menu label={t("phoneLink")} icon="phone">
      <section class="phone-link">
        <p>{t("phoneLink.explain")}</p>
        <p class="phone-link-row">
          <input ref={field} type="text" readOnly aria-label={t("phoneLink.address")} value={address.href} onFocus={(event) => event.currentTarget.select()} />
          <button type="button" class="button" onClick={() => void copy()}>
            {t("phoneLink.copy")}
          </button>
        </p>
        <p class="muted" role="status">
          {said ? t(said) : ""}
        </p>
        {warning && <p class="muted">{t(warning)}</p>}
        <p>
          <a href={address.href} target="_blank" rel="noopener">
            {t("phoneLink.open")}
          </a>
        </p>
      </section>
    </Menu>
  );
}
