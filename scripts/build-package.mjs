/**
 * Builds the package in the current directory from its sources, by its `tsconfig.build.json`: for
 * `import` into `dist/esm`, for `require` into `dist/cjs`, each with declarations and source maps. If there
 * is a `tsconfig.build-cjs.json`, it says what is left out of the second.
 *
 * A CommonJS program needs code and types of its own: LangChain's packages are built twice too, and
 * what an ES module makes is not of the classes that such a program has.
 */
import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

const CJS_CONFIG = "tsconfig.build-cjs.json";

rmSync("dist", { recursive: true, force: true });
const exitCodes = await Promise.all([
  compile("tsconfig.build.json", "dist/esm"),
  compile(existsSync(CJS_CONFIG) ? CJS_CONFIG : "tsconfig.build.json", "dist/cjs", {
    module: "commonjs",
    moduleResolution: "bundler",
    verbatimModuleSyntax: "false",
  }),
]);
process.exitCode = Math.max(...exitCodes);
if (process.exitCode === 0) {
  // For Node.js and TypeScript this makes CommonJS of the files; bundlers look here as well.
  const manifest = { type: "commonjs", sideEffects: ["./check-node.js"] };
  writeFileSync("dist/cjs/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * @param {string} config
 * @param {string} outDir
 * @param {Record<string, string>} [options] what differs from the config
 * @returns {Promise<number>} The compiler's exit code.
 */
function compile(config, outDir, options = {}) {
  const args = Object.entries({ outDir, ...options }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [tsc, "-p", config, ...args], { stdio: "inherit" })
      .on("error", reject)
      .on("exit", (code) => resolve(code ?? 1));
  });
}
