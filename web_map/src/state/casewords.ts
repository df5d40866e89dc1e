/** Words of the dispatcher's desk that are put together from more than one thing. */

import type { CaseDetail, CaseStep } from "../api/cases";
import { shortCode } from "../kernels/codes";
import { unitWords } from "./caselist";
import { GRADES } from "./casesteps";
import type { State } from "./state";

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
  const unit = unitWords(duty.unit);
  if (duty.rule !== null) return t("case.duty.rule", { unit, rule: duty.rule });
  return grid_code === null ? t("case.duty.above", { unit }) : t("case.duty.grid", { unit, code: shortCode(grid_code) });
}

/** What a step did besides its kind. */
export function stepWords(state: State, step: CaseStep): string {
  const t = state.t;
  const parts: string[] = [];
  if (step.to !== null) parts.push(t("case.said.to", { unit: unitWords(step.to) }));
  if (step.minutes !== null) parts.push(t("case.said.minutes", { minutes: step.minutes }));
  if (step.passed !== null) parts.push(t(step.passed ? "case.said.passed" : "case.said.failed"));
  if (step.other !== null) parts.push(`#${step.other}`);
  if (typeof step.data.grid === "string") parts.push(t("detail.grid", { code: shortCode(step.data.grid) }));
  return parts.join(" · ");
}
