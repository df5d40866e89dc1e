/** Coordinates as people paste them. */

import type { Bbox, Datum } from "../api/types";

export const DATUMS: readonly { datum: Datum; name: string }[] = [
  { datum: "wgs84", name: "WGS 84" },
  { datum: "cgcs2000", name: "CGCS2000" },
  { datum: "gcj02", name: "GCJ-02" },
  { datum: "bd09", name: "BD-09" },
];

/** How a system is written for people; an EPSG code is its own name. */
export const datumName = (crs: string): string => DATUMS.find((one) => one.datum === crs)?.name ?? crs;

/** Whether a text may be coordinates, a link of a map or the like, so that the server should read it as a place. */
export function looksLikePlace(text: string): boolean {
  const words = text.trim();
  if (words.length > 2000) return false;
  if (/^([a-z]+:\/\/|geo:|\{|(srid=\d+;)?\s*(multi)?point\b|[2-9cfghjmpqrvwx]{8}\+[2-9cfghjmpqrvwx]*$)/i.test(words)) return true;
  if ((words.match(/[0-9０-９]+/g) ?? []).length < 2) return false;
  const bare = words
    .replace(/[东西]经|[南北]纬|[经纬]度|longitude|latitude|long|lng|lon|lat|[xy](?=\s*[=:：])/gi, "")
    .replace(/(\d)\s*(?:deg(?:rees?)?|min(?:utes?)?|sec(?:onds?)?|[dms])(?![a-df-mo-rt-vx-z])/gi, "$1 ");
  return parseCoordinates(words, null) !== null || /^[\s\d０-９．。.,，、;；/|&°º˚'"`´′″’”+\-−–()[\]:=：NSEWnsew度分秒]+$/.test(bare);
}

/**
 * Read "lon, lat" or "lat, lon" (comma, Chinese comma, semicolon or space). Where both orders are possible the one
 * inside or nearer to `bbox` is meant, else longitude first. Null for anything else.
 */
export function parseCoordinates(text: string, bbox: Bbox | null): [lon: number, lat: number] | null {
  const match = /^\s*\(?\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*[,，;；\s]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*\)?\s*$/.exec(text);
  if (!match) return null;
  const [first, second] = [Number(match[1]), Number(match[2])];
  const orders = [
    [first, second],
    [second, first],
  ].filter(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 85) as [number, number][];
  if (orders.length === 0) return null;
  if (orders.length === 1 || !bbox) return orders[0];
  return distance(orders[1], bbox) < distance(orders[0], bbox) ? orders[1] : orders[0];
}

function distance([lon, lat]: [number, number], [west, south, east, north]: Bbox): number {
  return Math.hypot(Math.max(west - lon, 0, lon - east), Math.max(south - lat, 0, lat - north));
}
