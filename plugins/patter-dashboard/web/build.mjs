// Build the page: node build.mjs [--check]
//
// Bundles src/ with the library into two files beside index.html, where the Python package ships
// them. With --check nothing is written: exit 1 says that what is committed is not what the
// sources give, exit 2 that the library or the bundler is not installed here. The script begins
// with a digest of its sources, by which a test without node sees that it is of these.

import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PAGE = path.join(HERE, "..", "src", "patter_dashboard", "page");
const BUILT = { "app.js": "src/main.jsx", "style.css": "src/style/all.css" };
const check = process.argv.includes("--check");

let esbuild;
try {
  esbuild = await import("esbuild");
} catch {
  console.error("esbuild is not installed\n  fix: npm install --no-package-lock");
  process.exit(2);
}

/** What *entry* and all that it imports make, as one text. */
async function bundle(entry) {
  const made = await esbuild.build({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16"],
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    legalComments: "none",
    banner: { js: await notice(), css: "" },
    logLevel: "warning",
  });
  return made.outputFiles[0].text;
}

/** What the built script begins with: the notice that the library's licence asks for. */
async function notice() {
  const { version, license } = JSON.parse(
    await readFile(path.join(HERE, "node_modules", "preact", "package.json"), "utf8"),
  );
  return `/*! patter-dashboard, MIT. Has preact ${version}, ${license}, (c) Jason Miller. Sources ${await digest()}. */`;
}

/** The SHA-256 of what is built and of how: names and texts, in the order of the names. */
async function digest() {
  const below = await readdir(path.join(HERE, "src"), { recursive: true, withFileTypes: true });
  const files = below.filter((each) => each.isFile()).map((each) => path.join(each.parentPath ?? each.path, each.name));
  const names = [...files.map((file) => path.relative(HERE, file)), "build.mjs", "package.json"].sort();
  const hash = createHash("sha256");
  for (const name of names) {
    hash.update(`${name}\0`);
    hash.update(await readFile(path.join(HERE, name)));
    hash.update("\0");
  }
  return hash.digest("hex");
}

async function main() {
  const stale = [];
  const made = { "index.html": await readFile(path.join(HERE, "src", "index.html"), "utf8") };
  for (const [name, entry] of Object.entries(BUILT)) made[name] = await bundle(entry);
  for (const [name, text] of Object.entries(made)) {
    const target = path.join(PAGE, name);
    if (check) {
      const there = await readFile(target, "utf8").catch(() => "");
      if (there !== text) stale.push(name);
    } else {
      await writeFile(target, text);
    }
    console.log(`${name}  ${Buffer.byteLength(text)} bytes`);
  }
  const extra = (await readdir(PAGE)).filter((name) => !(name in made));
  if (extra.length) stale.push(...extra);
  if (stale.length) {
    console.error(`not what the sources give: ${stale.join(", ")}\n  fix: npm run build`);
    process.exit(1);
  }
}

await main();
