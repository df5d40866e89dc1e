/** The system that pasted coordinates are in, as this browser chose it last. */

import type { Datum } from "../api/types";
import { DATUMS } from "./coordinates";

const KEY = "wangge.datum";

export function rememberedDatum(): Datum {
  try {
    const kept = globalThis.localStorage?.getItem(KEY);
    return DATUMS.find((one) => one.datum === kept)?.datum ?? "wgs84";
  } catch {
    return "wgs84";
  }
}

export function rememberDatum(datum: Datum): void {
  try {
    globalThis.localStorage?.setItem(KEY, datum);
  } catch {
    // A browser that keeps nothing forgets this too.
  }
}
