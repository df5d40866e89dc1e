import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dictionaries, firstLang, formatNumber, formatPercent, translate } from "../src/i18n";

const slots = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
const source = join(process.cwd(), "src");
const files = (readdirSync(source, { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name));

test("both languages have the same keys, the same values in them, and no empty words", () => {
  const { en, "zh-CN": zh } = dictionaries;
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    assert.deepEqual(slots(zh[key]), slots(en[key]), key);
    assert.ok(en[key].trim() && zh[key].trim(), key);
  }
});

test("Chinese words are Chinese", () => {
  const same = Object.entries(dictionaries["zh-CN"]).filter(
    ([key, words]) => !/[\u4e00-\u9fff]/.test(words) && words === dictionaries.en[key as never],
  );
  assert.deepEqual(same.map(([key]) => key).sort(), ["export.fgb", "export.parquet", "legend.inside"]);
});

test("every key is used somewhere", () => {
  const code = files
    .filter((name) => !name.startsWith("i18n"))
    .map((name) => readFileSync(join(source, name), "utf8"))
    .join("\n");
  const families = [...code.matchAll(/(?:t|known)\(\s*`([a-zA-Z.]+\.)\$\{/g)].map((match) => match[1]);
  for (const key of Object.keys(dictionaries.en)) {
    const known = code.includes(`"${key}"`) || families.some((family) => key.startsWith(family));
    assert.ok(known || key.startsWith("status."), key);
  }
});

test("Leaflet is imported in src/map only", () => {
  const users = files.filter((name) => /from "leaflet"|"leaflet\//.test(readFileSync(join(source, name), "utf8")));
  assert.ok(users.length > 0);
  assert.deepEqual(users.filter((name) => !name.startsWith("map/")), []);
});

test("kernels import nothing but kernels", () => {
  for (const name of files.filter((file) => file.startsWith("kernels/")))
    for (const [, from] of readFileSync(join(source, name), "utf8").matchAll(/from "([^"]+)"/g))
      assert.ok(from.startsWith("./"), `${name} imports ${from}`);
});

test("values are filled in with thousands separators; unknown ones stay visible", () => {
  assert.equal(translate("en", "status.over", { count: 1234 }), "1,234 grids over the maximum");
  assert.equal(translate("en", "status.over"), "{count} grids over the maximum");
  assert.equal(formatNumber(-1234.567, 1), "-1,234.6");
  assert.deepEqual([0.334, -0.03, 0.001].map(formatPercent), ["+33", "−3", "0"]);
});

test("the language is the remembered one, else the browser's first that we speak", () => {
  assert.equal(firstLang("zh-CN", ["en"]), "zh-CN");
  assert.equal(firstLang(null, ["fr", "zh-TW", "en"]), "zh-CN");
  assert.equal(firstLang("de", ["en-GB"]), "en");
  assert.equal(firstLang(null, ["fr"]), "en");
});
