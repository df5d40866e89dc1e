import { useEffect, useRef, useState } from "preact/hooks";
import type { Datum, PlaceReading, SearchHit } from "../api/types";
import { shortCode } from "../kernels/codes";
import type { Key } from "../i18n";
import { DATUMS, datumName, looksLikePlace, parseCoordinates } from "../state/coordinates";
import { rememberDatum, rememberedDatum } from "../state/datum";
import type { State } from "../state/state";
import { isComposing, useApp } from "./context";

type Standing = "idle" | "busy" | "done" | "failed";
const WAIT_MS = 180;

interface Choice {
  key: string;
  kind: string;
  title: string;
  detail: string;
  grid: string;
  choose(): void;
}

export function Search() {
  const { state, actions, client } = useApp();
  const { t } = state;
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [datum, setDatum] = useState(rememberedDatum);
  const places = usePlaces(text, datum, client.places, state.plan.value?.id ?? null);
  const isPlace = looksLikePlace(text) && places?.length !== 0;
  const { hits, standing } = useHits(isPlace ? "" : text, client.search, state.plan.value?.id ?? null);
  // What the page reads by itself stands until the server, which reads every form and datum, has answered.
  const own = parseCoordinates(text, state.plan.value?.bbox ?? null);
  const point = places === null && datum === "wgs84" ? own : null;

  const choices: Choice[] = places?.length
    ? places.map((place, i) => ({
        key: `place-${i}`,
        kind: "point",
        title: t("search.point", { lon: place.lon.toFixed(6), lat: place.lat.toFixed(6) }),
        detail: [t(`search.order.${place.order}`), datumName(place.crs)].join(" · "),
        grid: "",
        choose: () => void actions.locate(place.lon, place.lat, { zoom: true }),
      }))
    : point
    ? [
        {
          key: "point",
          kind: "point",
          title: t("search.point", { lon: String(point[0]), lat: String(point[1]) }),
          detail: t("search.point.detail"),
          grid: "",
          choose: () => void actions.locate(point[0], point[1], { zoom: true }),
        },
      ]
    : hits.map((hit, i) => ({ key: String(i), ...wordsOf(hit, t), choose: () => actions.openHit(hit) }));

  const choose = (choice: Choice | undefined): void => {
    if (!choice) return;
    setOpen(false);
    choice.choose();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (open && text) setOpen(false);
      else setText("");
    } else if (event.key === "Enter") choose(choices[active] ?? choices[0]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : choices.length - 1;
      if (choices.length > 0) setActive((active + step) % choices.length);
    }
  };
  const shown = open && text.trim() !== "";
  const note = point || choices.length > 0 ? "" : noteOf(standing);
  function noteOf(now: Standing): string {
    if (now === "failed") return t("search.failed");
    return now === "done" ? t("search.none", { text: text.trim() }) : t("search.busy");
  }
  return (
    <div class="search" role="search" onFocusOut={(event) => leaves(event) && setOpen(false)}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="7" cy="7" r="4.5" />
        <path d="m10.5 10.5 3.5 3.5" />
      </svg>
      <input
        id="search"
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={t("search.hint")}
        aria-label={t("search.label")}
        aria-expanded={shown && choices.length > 0}
        aria-controls="search-results"
        aria-autocomplete="list"
        aria-activedescendant={shown && choices[active] ? `search-${choices[active].key}` : undefined}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
      />
      <div class="search-page" hidden={!shown}>
        {note && <p class="search-note">{note}</p>}
        {(own !== null || !!places?.length) && (
          <label class="search-datum">
            <span>{t("search.datum")}</span>
            <select
              value={datum}
              onChange={(event) => {
                const chosen = event.currentTarget.value as Datum;
                rememberDatum(chosen);
                setDatum(chosen);
              }}
            >
              {DATUMS.map((one) => (
                <option key={one.datum} value={one.datum}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
        )}
        <ul id="search-results" role="listbox" aria-label={t("search.results")} hidden={choices.length === 0}>
          {choices.map((choice, i) => (
            <li
              key={choice.key}
              id={`search-${choice.key}`}
              role="option"
              aria-selected={i === active}
              onPointerDown={(event) => event.preventDefault()}
              onPointerMove={() => setActive(i)}
              onClick={() => choose(choice)}
            >
              <span class="search-kind">{t(`kind.${choice.kind}` as Key)}</span>
              <span class="search-title">{choice.title}</span>
              <span class="search-grid">{choice.grid}</span>
              <span class="search-detail">{choice.detail}</span>
            </li>
          ))}
        </ul>
      </div>
      <span class="visually-hidden" role="status">
        {shown ? note || t("search.count", { count: choices.length }) : ""}
      </span>
    </div>
  );
}

const leaves = (event: FocusEvent): boolean =>
  !(event.currentTarget as Element).contains(event.relatedTarget as Node | null);

function wordsOf(hit: SearchHit, t: State["t"]): Omit<Choice, "key" | "choose"> {
  const title = hit.kind === "grid" ? shortCode(hit.title) : hit.title;
  const grid = hit.kind !== "grid" && hit.grid_code ? t("detail.grid", { code: shortCode(hit.grid_code) }) : "";
  return { kind: hit.kind, title, detail: hit.detail === hit.title ? "" : (hit.detail ?? ""), grid };
}

/** Hits for a text, asked after a short rest; an answer to an older text is dropped. */
function useHits(
  text: string,
  ask: (plan: string, text: string, signal: AbortSignal) => Promise<SearchHit[]>,
  plan: string | null,
): { hits: SearchHit[]; standing: Standing } {
  const [answer, setAnswer] = useState<{ hits: SearchHit[]; standing: Standing }>({ hits: [], standing: "idle" });
  const asking = useRef(ask);
  useEffect(() => {
    const wanted = text.trim();
    if (!plan || wanted === "") return setAnswer({ hits: [], standing: "idle" });
    const stop = new AbortController();
    setAnswer((before) => ({ hits: before.hits, standing: "busy" }));
    const timer = setTimeout(() => {
      asking.current(plan, wanted, stop.signal).then(
        (hits) => setAnswer({ hits, standing: "done" }),
        () => !stop.signal.aborted && setAnswer({ hits: [], standing: "failed" }),
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, plan]);
  return answer;
}

/** Pasted coordinates as the server reads them; null while it has not answered. */
function usePlaces(
  text: string,
  datum: Datum,
  ask: (plan: string, text: string, datum: Datum, signal: AbortSignal) => Promise<PlaceReading[]>,
  plan: string | null,
): PlaceReading[] | null {
  const [places, setPlaces] = useState<PlaceReading[] | null>(null);
  const asking = useRef(ask);
  useEffect(() => {
    setPlaces(null);
    const wanted = text.trim();
    if (!plan || !looksLikePlace(wanted)) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      asking.current(plan, wanted, datum, stop.signal).then(setPlaces, () => undefined);
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, datum, plan]);
  return places;
}
