import type { Key } from "../i18n";
import { shortCode } from "../kernels/codes";
import type { ExportFormat, ExportLayer, ExportWish } from "../state/exports";
import { useApp } from "./context";
import { Menu } from "./Menu";

const LAYERS: ExportLayer[] = ["grids", "buildings", "cells"];
const FORMATS: ExportFormat[] = ["geojson", "gpkg", "shp", "csv", "xlsx", "fgb", "parquet"];

/** Everything that can be taken away: the view as a picture, sheets, a page to send, and each layer as data. */
export function ExportMenu() {
  const { state, exports, picture } = useApp();
  const { t, plan } = state;
  if (!plan.value) return null;
  const lang = state.lang.value;
  const selected = state.selected.value === null ? undefined : state.grids.value[state.selected.value];
  return (
    <Menu label={t("export")}>
      <section>
        <h2>{t("export.seen")}</h2>
        <ul>
          <li>
            <button type="button" class="menu-entry is-link" onClick={() => void picture()}>
              {t("export.png")}
            </button>
          </li>
        </ul>
        <h2>{t("export.print")}</h2>
        <ul>
          <Item wish={{ format: "pdf", paper: "a4", lang }} words="export.pdfA4" />
          <Item wish={{ format: "pdf", paper: "a3", lang }} words="export.pdfA3" />
          {selected && !selected.retired && (
            <Item
              wish={{ format: "pdf", paper: "a4", lang, grids: [selected.code] }}
              words="export.pdfOne"
              said={t("export.pdfOf", { code: shortCode(selected.code) })}
            />
          )}
        </ul>
        <h2>{t("export.send")}</h2>
        <ul>
          <Item wish={{ format: "html", lang }} words="export.html" />
          <Item wish={{ format: "gpkg" }} words="export.whole" />
        </ul>
      </section>
      {LAYERS.map((layer) => (
        <section key={layer}>
          <h2>{t(`export.${layer}`)}</h2>
          <ul>
            {FORMATS.map((format) => (
              <Item key={format} wish={{ format, layer }} words={`export.${format}` as Key} />
            ))}
          </ul>
        </section>
      ))}
      {exports.running.value && <p class="visually-hidden">{t("export.busy")}</p>}
    </Menu>
  );
}

/** A link that works by itself; a plain click has the page wait for the file, tell how far it is, and able to end it. */
function Item({ wish, words, said }: { wish: ExportWish; words: Key; said?: string }) {
  const { state, exports } = useApp();
  return (
    <li>
      <a
        href={exports.address(wish)}
        download
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          void exports.fetch(wish, words);
        }}
      >
        {said ?? state.t(words)}
      </a>
    </li>
  );
}
