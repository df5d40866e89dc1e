/** Who works here, and whose cases are shown: chosen once, remembered on this phone. */

import { useEffect, useState } from "preact/hooks";
import type { Owner } from "../api/phone";
import { usePhone } from "./context";
import { unitsOf } from "./report";

interface Choice extends Owner {
  /** Name of a grid beside its code. */
  detail: string;
}

const MOST_SHOWN = 30;

export function MePage() {
  const phone = usePhone();
  const { state, t } = phone;
  const [text, setText] = useState("");
  const [choices, setChoices] = useState<Choice[]>([]);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    void ownersOf(phone).then((found) => {
      setChoices(found);
      setFailed(found.length === 0);
    });
  }, []);
  const owner = state.owner.value;
  const typed = text.trim();
  const shown = choices.filter((choice) => `${choice.name} ${choice.detail}`.toLowerCase().includes(typed.toLowerCase()));
  const choose = (chosen: Owner): void => {
    setText("");
    void phone.chooseOwner({ kind: chosen.kind, name: chosen.name });
    phone.go({ page: "cases" });
  };
  return (
    <>
      {!owner && <p class="hint">{t("me.first")}</p>}
      <section class="card">
        <label class="field">
          {t("me.name")}
          <input
            autocomplete="name"
            maxLength={60}
            value={state.who.value}
            onInput={(event) => (state.who.value = event.currentTarget.value)}
          />
        </label>
        <p class="quiet">{t("me.name.hint")}</p>
      </section>
      <section class="card">
        <h2>{t("me.owner")}</h2>
        {owner && <p class="chosen">{t("me.chosen", { name: t(`me.owner.${owner.kind}`, { name: owner.name }) })}</p>}
        <label class="field">
          {t("me.owner.hint")}
          <input maxLength={200} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        {failed && <p class="hint">{t("me.owner.none")}</p>}
        <ul class="owners">
          {shown.slice(0, MOST_SHOWN).map((choice) => (
            <li key={`${choice.kind}${choice.name}`}>
              <button
                type="button"
                aria-pressed={owner?.kind === choice.kind && owner.name === choice.name}
                onClick={() => choose(choice)}
              >
                <b>{choice.name}</b> <span class="quiet">{choice.detail}</span>
                <span class="chip">{t(choice.kind === "unit" ? "me.owner.unitShort" : "me.owner.gridShort")}</span>
              </button>
            </li>
          ))}
          {typed && !choices.some(({ kind, name }) => kind === "unit" && name === typed) && (
            <li>
              <button type="button" onClick={() => choose({ kind: "unit", name: typed })}>
                {t("me.owner.typed", { name: typed })}
              </button>
            </li>
          )}
        </ul>
        {owner && (
          <a class="big-button is-first" href="#/cases">
            {t("me.ready")}
          </a>
        )}
      </section>
    </>
  );
}

// Units that the rules name, and the grids of the plan that holds.
async function ownersOf({ owners, rules }: ReturnType<typeof usePhone>): Promise<Choice[]> {
  const [known, grids] = await Promise.all([rules().catch(() => null), owners().catch(() => [])]);
  return [
    ...unitsOf(known).map((name): Choice => ({ kind: "unit", name, detail: "" })),
    ...grids.map(({ code, name }): Choice => ({ kind: "grid", name: code, detail: name ?? "" })),
  ];
}
