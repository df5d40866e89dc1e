/** Words of the dispatcher's desk that are put together from more than one thing. */

import type { CaseDetail, CaseStep } from "../api/cases";
import type { GridProperties } from "../api/types";
import { shortCode } from "../kernels/codes";
import { unitWords as plainUnit } from "./caselist";
import { GRADES } from "./casesteps";
import type { State } from "./state";

/** Names of the communities by their codes, of the grids that are on the map. */
const PLACES = new WeakMap<readonly GridProperties[], Map<string, string>>();

function placesOf(state: State): Map<string, string> {
  const grids = state.grids.value;
  let places = PLACES.get(grids);
  if (!places) {
    places = new Map(grids.flatMap(({ boundary_code, boundary_name }) => (boundary_code !== null && boundary_name ? [[boundary_code, boundary_name] as const] : [])));
    PLACES.set(grids, places);
  }
  return places;
}

/** The code of a grid as it is told from all others: short, behind the name of its community where there are several. */
export function codeWords(state: State, code: string): string {
  const short = shortCode(code);
  const at = short === code ? undefined : state.positions.value.get(code);
  const place = at === undefined ? undefined : state.grids.value[at].boundary_name;
  return place && placesOf(state).size > 1 ? `${place} ${short}` : short;
}

/** A unit as people read it: a grid by its code, a community by its name. */
export function unitWords(state: State, unit: string): string {
  if (state.positions.value.has(unit)) return state.t("detail.grid", { code: codeWords(state, unit) });
  return placesOf(state).get(unit) ?? plainUnit(unit);
}

/** Facilities by the words that base data usually have. */
const FACILITIES: Readonly<Record<string, { en: string; zh: string }>> = {
  clinic: { en: "clinic", zh: "诊所" },
  hospital: { en: "hospital", zh: "医院" },
  pharmacy: { en: "pharmacy", zh: "药店" },
  school: { en: "school", zh: "学校" },
  kindergarten: { en: "kindergarten", zh: "幼儿园" },
  police: { en: "police", zh: "派出所" },
  fire_station: { en: "fire station", zh: "消防站" },
  community_centre: { en: "community centre", zh: "社区中心" },
  community_center: { en: "community centre", zh: "社区中心" },
  market: { en: "market", zh: "菜场" },
  marketplace: { en: "market", zh: "菜场" },
  supermarket: { en: "supermarket", zh: "超市" },
  shop: { en: "shop", zh: "商店" },
  park: { en: "park", zh: "公园" },
  gate: { en: "gate", zh: "大门" },
  bus_stop: { en: "bus stop", zh: "公交站" },
  shelter: { en: "shelter", zh: "避难所" },
  toilets: { en: "toilets", zh: "公厕" },
  library: { en: "library", zh: "图书馆" },
  bank: { en: "bank", zh: "银行" },
  post_office: { en: "post office", zh: "邮局" },
  service_station: { en: "service station", zh: "服务站" },
  elderly_care: { en: "care for the elderly", zh: "养老服务站" },
  doctors: { en: "doctors", zh: "诊所" },
  dentist: { en: "dentist", zh: "牙科" },
  townhall: { en: "town hall", zh: "政务中心" },
  government: { en: "government office", zh: "政府机关" },
  social_facility: { en: "social services", zh: "福利机构" },
  assembly_point: { en: "assembly point", zh: "集合点" },
  university: { en: "university", zh: "大学" },
  college: { en: "college", zh: "学院" },
  place_of_worship: { en: "place of worship", zh: "宗教场所" },
  museum: { en: "museum", zh: "博物馆" },
  theatre: { en: "theatre", zh: "剧院" },
  cinema: { en: "cinema", zh: "电影院" },
  attraction: { en: "sight", zh: "景点" },
  viewpoint: { en: "viewpoint", zh: "观景点" },
  hotel: { en: "hotel", zh: "酒店" },
  hostel: { en: "hostel", zh: "旅舍" },
  restaurant: { en: "restaurant", zh: "餐馆" },
  fast_food: { en: "fast food", zh: "快餐" },
  cafe: { en: "café", zh: "咖啡馆" },
  bar: { en: "bar", zh: "酒吧" },
  pub: { en: "pub", zh: "酒馆" },
  bakery: { en: "bakery", zh: "面包店" },
  convenience: { en: "corner shop", zh: "便利店" },
  mall: { en: "shopping centre", zh: "商场" },
  atm: { en: "cash machine", zh: "取款机" },
  post_box: { en: "post box", zh: "邮筒" },
  parking: { en: "parking", zh: "停车场" },
  fuel: { en: "petrol station", zh: "加油站" },
  station: { en: "station", zh: "车站" },
  subway_entrance: { en: "metro entrance", zh: "地铁口" },
  bus_station: { en: "bus station", zh: "汽车站" },
  tram_stop: { en: "tram stop", zh: "电车站" },
  ferry_terminal: { en: "ferry", zh: "轮渡" },
  taxi: { en: "taxi rank", zh: "出租车站" },
  playground: { en: "playground", zh: "游乐场" },
  pitch: { en: "sports ground", zh: "运动场" },
  garden: { en: "garden", zh: "花园" },
  embassy: { en: "embassy", zh: "使领馆" },
};

export function facilityWords(state: State, category: string): string {
  const known = FACILITIES[category.toLowerCase()];
  if (!known) return category.replaceAll("_", " ");
  return state.lang.value === "zh-CN" ? known.zh : known.en;
}

/** A grade in words; one that the page does not know as it is. */
export const gradeWords = (t: State["t"], grade: string): string =>
  (GRADES as readonly string[]).includes(grade) ? t(`case.grade.${grade as (typeof GRADES)[number]}`) : grade;

/** Whose a case is by the rules, and why. */
export function dutyWords(state: State, { duty, grid_code }: CaseDetail): string {
  const t = state.t;
  if (duty.unit === null) return t("case.duty.nobody");
  const unit = unitWords(state, duty.unit);
  if (duty.rule !== null) return t("case.duty.rule", { unit, rule: duty.rule });
  return grid_code === null ? t("case.duty.above", { unit }) : t("case.duty.grid", { unit, code: codeWords(state, grid_code) });
}

/** What a step did besides its kind. */
export function stepWords(state: State, step: CaseStep): string {
  const t = state.t;
  const parts: string[] = [];
  if (step.to !== null) parts.push(t("case.said.to", { unit: unitWords(state, step.to) }));
  if (step.minutes !== null) parts.push(t("case.said.minutes", { minutes: step.minutes }));
  if (step.passed !== null) parts.push(t(step.passed ? "case.said.passed" : "case.said.failed"));
  if (step.other !== null) parts.push(`#${step.other}`);
  if (typeof step.data.grid === "string") parts.push(t("detail.grid", { code: codeWords(state, step.data.grid) }));
  return parts.join(" · ");
}
