// Builds dist/ (index.html, assets/app.js, worker.js, lines.js, app.css; phone.html, assets/phone.js, phone.css, phone-sw.js), or
// with --tests the unit tests for Node's runner, with --bench what measures the kernels under Node.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL(".", import.meta.url));
const shared = { bundle: true, format: "esm", target: "es2022", logLevel: "warning", absWorkingDir: root };

async function buildForNode(ending, folder) {
  const out = join(root, ".cache", folder);
  rmSync(out, { recursive: true, force: true });
  const entryPoints = readdirSync(join(root, "tests")).filter((name) => name.endsWith(ending));
  await build({
    ...shared,
    entryPoints: entryPoints.map((name) => join("tests", name)),
    platform: "node",
    outdir: out,
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
  });
}

// The worker's page and its service worker, for the browsers of old phones.
async function buildPhone(out) {
  const old = { ...shared, target: "chrome73", charset: "utf8", jsx: "automatic", jsxImportSource: "preact", minify: true, legalComments: "linked" };
  await build({ ...old, entryPoints: { phone: "src/phone/main.tsx" }, outdir: join(out, "assets"), sourcemap: "linked" });
  const page = readFileSync(join(root, "src/phone/phone.html"), "utf8");
  const hash = createHash("sha256").update(page);
  for (const name of ["phone.js", "phone.css"]) hash.update(readFileSync(join(out, "assets", name)));
  const version = hash.digest("hex").slice(0, 12);
  writeFileSync(join(out, "phone.html"), page.replaceAll("VERSION", version));
  copyFileSync(join(root, "src/phone/phone.webmanifest"), join(out, "phone.webmanifest"));
  const files = ["phone", `assets/phone.js?v=${version}`, `assets/phone.css?v=${version}`, "assets/icon.svg", "phone.webmanifest"];
  await build({
    ...old,
    format: "iife",
    entryPoints: ["src/phone/sw.ts"],
    outfile: join(out, "phone-sw.js"),
    define: { VERSION: JSON.stringify(version), FILES: JSON.stringify(files) },
  });
}

// The new front end takes the place of the old one only when it is whole.
async function buildDist() {
  const out = join(root, "dist.new");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "assets"), { recursive: true });
  const assets = { ...shared, outdir: join(out, "assets"), minify: true, legalComments: "linked", sourcemap: "linked" };
  await build({ ...assets, entryPoints: { worker: "src/worker/worker.ts", lines: "src/worker/lines.ts" } });
  // What is first needed at another desk is a file of its own.
  const { metafile } = await build({
    ...assets,
    entryPoints: { app: "src/main.tsx" },
    splitting: true,
    chunkNames: "[name]-[hash]",
    metafile: true,
    assetNames: "[name]",
    loader: { ".png": "file" },
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  const hash = createHash("sha256");
  for (const name of ["app.js", "worker.js", "lines.js", "app.css"]) hash.update(readFileSync(join(out, "assets", name)));
  const version = hash.digest("hex").slice(0, 12);
  const [, app] = Object.entries(metafile.outputs).find(([path]) => path.endsWith("/app.js"));
  const first = app.imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => basename(path));
  const ahead = first.map((name) => `    <link rel="modulepreload" href="assets/${name}" />\n`).join("");
  const page = readFileSync(join(root, "src/index.html"), "utf8").replaceAll("VERSION", version).replace("  </head>", `${ahead}  </head>`);
  writeFileSync(join(out, "index.html"), page);
  copyFileSync(join(root, "src/icon.svg"), join(out, "assets/icon.svg"));
  await buildPhone(out);
  for (const name of readdirSync(join(out, "assets")).filter((name) => /\.(js|css|svg)$/.test(name))) {
    const path = join(out, "assets", name);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  }
  rmSync(join(root, "dist"), { recursive: true, force: true });
  renameSync(out, join(root, "dist"));
}

if (process.argv.includes("--tests")) await buildForNode(".test.ts", "tests");
else if (process.argv.includes("--bench")) await buildForNode(".bench.ts", "bench");
else await buildDist();
