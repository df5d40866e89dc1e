/** A new case from the spot: where the phone is, what it is, words, photos. What is typed survives a reload. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { Picture } from "./CasePage";
import { usePhone } from "./context";
import { PhoneMap } from "./PhoneMap";
import { PhotoInput } from "./PhotoInput";
import { followPosition, type Position, type PositionTrouble } from "./place";
import { CATEGORIES, categoriesOf, readDraft, type ReportDraft, writeDraft } from "./report";
import type { PhoneKey } from "./words";

const TAPPED_M = 5;
const MOST_M = 10_000;

export function ReportPage() {
  const phone = usePhone();
  const { state, t } = phone;
  const [draft, setDraft] = useState<ReportDraft>(readDraft);
  const [photos, setPhotos] = useState<{ photo: Blob; name: string }[]>([]);
  const [me, setMe] = useState<Position | null>(null);
  const [trouble, setTrouble] = useState<PositionTrouble | null>(null);
  const [tapped, setTapped] = useState<Position | null>(null);
  const [fault, setFault] = useState<PhoneKey | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => followPosition(setMe, setTrouble), []);
  const change = (more: Partial<ReportDraft>): void => {
    setDraft({ ...draft, ...more });
    writeDraft({ ...draft, ...more });
  };
  const place = tapped ?? me;
  const tap = (lon: number, lat: number): void => {
    setTapped({ lon, lat, accuracy: TAPPED_M });
    setFault(null);
  };
  const names = useMemo(
    () => categoriesOf(state.rules.value, state.rows.value?.value ?? []),
    [state.rules.value, state.rows.value],
  );
  const usual = names.length > 0 ? names : CATEGORIES.map((key) => t(key));
  const category = (draft.category === OTHER ? draft.other : draft.category).trim();

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wrong: PhoneKey | null = !place ? "new.needsPlace" : !category ? "new.needsCategory" : null;
    setFault(wrong);
    if (wrong || !place) return;
    setBusy(true);
    try {
      await phone.report(
        {
          x: place.lon,
          y: place.lat,
          crs: "wgs84",
          accuracy_m: Math.min(MOST_M, Math.round(place.accuracy)),
          category,
          grade: "general",
          words: draft.words.trim(),
          address: draft.address.trim(),
          plan: null,
        },
        photos,
      );
      writeDraft(null);
      phone.say(t("new.kept"), "good");
      phone.go({ page: "cases" });
    } catch {
      phone.say(t("keep.failed"), "bad");
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="report" onSubmit={(event) => void send(event)} noValidate>
      <section class="card">
        <h2>{t("new.where")}</h2>
        <p role="status">
          {tapped
            ? t("new.tapped")
            : me
              ? t("new.known", { metres: Math.round(me.accuracy) })
              : t(trouble === null ? "map.looking" : TROUBLES[trouble])}
        </p>
        <PhoneMap plan={null} row={null} me={me} place={tapped} border={null} label={t("map.ofNew")} tap={tap} />
        <p class="quiet">{t("new.tap")}</p>
        {tapped && me && (
          <button type="button" class="big-button" onClick={() => setTapped(null)}>
            {t("new.useMine")}
          </button>
        )}
        <label class="field">
          {t("new.address")}
          <input maxLength={300} value={draft.address} onInput={(event) => change({ address: event.currentTarget.value })} />
        </label>
      </section>
      <section class="card">
        <fieldset class="choices">
          <legend>{t("new.category")}</legend>
          {[...usual, OTHER].map((name) => (
            <label key={name} class={draft.category === name ? "is-on" : ""}>
              <input type="radio" name="category" checked={draft.category === name} onChange={() => change({ category: name })} />
              {name === OTHER ? t("new.other") : name}
            </label>
          ))}
        </fieldset>
        {draft.category === OTHER && (
          <label class="field">
            {t("new.otherWord")}
            <input maxLength={100} value={draft.other} onInput={(event) => change({ other: event.currentTarget.value })} />
          </label>
        )}
        <label class="field">
          {t("new.words")}
          <textarea rows={3} maxLength={4000} value={draft.words} onInput={(event) => change({ words: event.currentTarget.value })} />
        </label>
      </section>
      <section class="card">
        <h2>{t("new.photos")}</h2>
        {photos.length > 0 && (
          <ul class="photos">
            {photos.map(({ photo, name }, i) => (
              <li key={name + String(i)}>
                <Picture blob={photo} alt={t("case.photo", { n: i + 1 })} />
                <button
                  type="button"
                  class="small-button"
                  aria-label={t("new.remove", { n: i + 1 })}
                  onClick={() => setPhotos(photos.filter((_, at) => at !== i))}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
        )}
        <div class="action-row">
          <PhotoInput label={t("new.take")} take={(photo, name) => setPhotos((known) => [...known, { photo, name }])} />
        </div>
        <p class="quiet">{t("photo.hint")}</p>
      </section>
      <p class="fault" role="alert">
        {fault ? t(fault) : ""}
      </p>
      <button type="submit" class="big-button is-first is-wide" disabled={busy}>
        {t("new.send")}
      </button>
    </form>
  );
}

/** Stands for "something else"; no category is written like this. */
const OTHER = "\u0000other";
const TROUBLES: Record<PositionTrouble, PhoneKey> = {
  denied: "new.denied",
  none: "new.noFix",
  insecure: "new.insecureFix",
};
