// Builds dist/ (index.html, assets/app.js, worker.js, lines.js, app.css), or with --tests the unit tests for Node's runner, with
// --bench what measures the kernels under Node.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

// The new front end takes the place of the old one only when it is whole.
async function buildDist() {
  const out = join(root, "dist.new");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "assets"), { recursive: true });
  await build({
    ...shared,
    entryPoints: { app: "src/main.tsx", worker: "src/worker/worker.ts", lines: "src/worker/lines.ts" },
    outdir: join(out, "assets"),
    assetNames: "[name]",
    loader: { ".png": "file" },
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "linked",
    sourcemap: "linked",
  });
  const hash = createHash("sha256");
  for (const name of ["app.js", "worker.js", "lines.js", "app.css"]) hash.update(readFileSync(join(out, "assets", name)));
  const version = hash.digest("hex").slice(0, 12);
  const page = readFileSync(join(root, "src/index.html"), "utf8").replaceAll("VERSION", version);
  writeFileSync(join(out, "index.html"), page);
  copyFileSync(join(root, "src/icon.svg"), join(out, "assets/icon.svg"));
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
