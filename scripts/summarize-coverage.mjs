/** Prints what `pnpm coverage` has measured as a Markdown table: one line per folder of each package. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @typedef {{ covered: number, total: number }} Count */
/** @typedef {Record<"lines" | "branches" | "functions", Count>} Coverage */

const METRICS = /** @type {const} */ (["lines", "branches", "functions"]);

const files = /** @type {Record<string, Coverage>} */ (
  JSON.parse(readFileSync(`${root}/coverage/coverage-summary.json`, "utf8"))
);

/** @type {Map<string, Coverage>} */
const folders = new Map();
for (const [path, coverage] of Object.entries(files)) {
  if (path === "total") continue;
  const [, name, , ...rest] = relative(root, path).replaceAll("\\", "/").split("/");
  add(`**${name}**`, coverage);
  add(`${name}/${rest.length > 1 ? rest[0] : "."}`, coverage);
}

console.log(`| folder | ${METRICS.join(" | ")} |`);
console.log("| --- | ---: | ---: | ---: |");
for (const [folder, coverage] of [...folders].toSorted(([a], [b]) => compare(a, b))) {
  console.log(`| ${folder} | ${METRICS.map((metric) => percent(coverage[metric])).join(" | ")} |`);
}

/**
 * @param {string} folder
 * @param {Coverage} coverage
 */
function add(folder, coverage) {
  const sum = folders.get(folder);
  if (sum === undefined) {
    folders.set(folder, structuredClone(coverage));
    return;
  }
  for (const metric of METRICS) {
    sum[metric].covered += coverage[metric].covered;
    sum[metric].total += coverage[metric].total;
  }
}

/** @param {Count} count */
function percent({ covered, total }) {
  return total === 0 ? "–" : `${((100 * covered) / total).toFixed(1)} %`;
}

/**
 * Packages before their folders.
 *
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a.replaceAll("*", "").localeCompare(b.replaceAll("*", ""));
}
