/**
 * `pnpm api` writes a report of each entry point of the published packages into `packages/<name>/api`: all
 * that is public, by type. With `--check` it changes nothing and fails if a report differs from the code, so
 * that a review sees every change of the interface. It always fails if something public names a type that
 * cannot be imported.
 */
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  ExtractorMessageCategory,
} from "@microsoft/api-extractor";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listEntryPoints, root } from "./entry-points.mjs";

/** @typedef {import("./entry-points.mjs").EntryPoint} EntryPoint */

const checksOnly = process.argv.includes("--check");
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

/** Where the declarations of a package lie, from its folder: beside the build, which may be under way. */
const DECLARATIONS = "dist/declarations";

const entryPoints = listEntryPoints();
const folders = [...new Set(entryPoints.map(({ folder }) => folder))];
await Promise.all(folders.map(emitDeclarations));

/** @type {string[]} */
const outdated = [];
/** @type {string[]} */
const notExported = [];
for (const folder of folders) {
  const ofPackage = entryPoints.filter((entryPoint) => entryPoint.folder === folder);
  mkdirSync(join(root, folder, "api"), { recursive: true });
  const configs = ofPackage.map(prepareConfig);
  // One program for all of the package's entry points: the peers' declarations take the time.
  const compilerState = CompilerState.create(/** @type {ExtractorConfig} */ (configs[0]), {
    additionalEntryPoints: configs.slice(1).map((config) => config.mainEntryPointFilePath),
  });
  for (const [index, config] of configs.entries()) {
    if (reportDiffers(config, compilerState)) {
      outdated.push(join(folder, "api", nameReport(/** @type {EntryPoint} */ (ofPackage[index]))));
    }
  }
  outdated.push(...findLeftOver(folder, ofPackage.map(nameReport)));
  notExported.push(...findNotExported(folder));
}
if (notExported.length > 0) {
  const names = notExported.map((name) => `  ${name}`).join("\n");
  console.error(
    `Public members name these types, which cannot be imported. Export them, or do without them:\n${names}`,
  );
  process.exitCode = 1;
}
if (checksOnly && outdated.length > 0) {
  console.error(
    `The public interface has changed. Look at the difference after \`pnpm api\`, and commit it if it is ` +
      `meant:\n${outdated.map((path) => `  ${path}`).join("\n")}`,
  );
  process.exitCode = 1;
} else if (!checksOnly) {
  for (const path of outdated) console.log(`${path} was written anew`);
}

/**
 * @param {string} folder
 * @returns {Promise<void>}
 */
function emitDeclarations(folder) {
  const options = ["--emitDeclarationOnly", "--declarationMap", "false", "--outDir", DECLARATIONS];
  rmSync(join(root, folder, DECLARATIONS), { recursive: true, force: true });
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [tsc, "-p", "tsconfig.build.json", ...options], {
      cwd: join(root, folder),
      stdio: "inherit",
    })
      .on("error", reject)
      .on("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`${folder} does not compile.`)),
      );
  });
}

/** @param {EntryPoint} entryPoint */
function prepareConfig(entryPoint) {
  const projectFolder = join(root, entryPoint.folder);
  const declarations = join(DECLARATIONS, entryPoint.source.replace(/^\.\/src\//, ""));
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, declarations.replace(/\.ts$/, ".d.ts")),
      compiler: {
        overrideTsconfig: {
          extends: join(root, "tsconfig.base.json"),
          compilerOptions: { noEmit: true, customConditions: [] },
        },
        skipLibCheck: true,
      },
      apiReport: {
        enabled: true,
        reportFileName: nameReport(entryPoint),
        reportFolder: join(projectFolder, "api"),
        reportTempFolder: join(projectFolder, DECLARATIONS, "api"),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None },
          // A type that is used by what is public but cannot be imported.
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, "package.json"),
  });
}

/**
 * @param {ExtractorConfig} config
 * @param {CompilerState} compilerState
 * @returns {boolean} Whether the report was, or would be, changed.
 */
function reportDiffers(config, compilerState) {
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    compilerState,
    localBuild: !checksOnly,
    messageCallback: (message) => {
      // What has changed is said once, for all reports.
      if (message.category === ExtractorMessageCategory.Console) message.handled = true;
    },
  });
  if (errorCount > 0) {
    throw new Error(`${config.mainEntryPointFilePath} cannot be read, see above.`);
  }
  return apiReportChanged;
}

/**
 * @param {EntryPoint} entryPoint
 * @returns {string} `resilient-llm.opentelemetry.api.md` for `@threadkeep/resilient-llm/opentelemetry`.
 */
function nameReport({ specifier }) {
  const [, ...parts] = specifier.split("/");
  return `${parts.join(".")}.api.md`;
}

/**
 * Removes reports of entry points that are gone.
 *
 * @param {string} folder
 * @param {readonly string[]} names What belongs there.
 * @returns {string[]} Their paths.
 */
function findLeftOver(folder, names) {
  const reports = join(root, folder, "api");
  if (!existsSync(reports)) return [];
  const leftOver = readdirSync(reports).filter((file) => !names.includes(basename(file)));
  if (!checksOnly) for (const file of leftOver) rmSync(join(reports, file));
  return leftOver.map((file) => join(folder, "api", file));
}

/**
 * Finds types that a package's reports name and none of its entry points exports.
 *
 * @param {string} folder
 * @returns {string[]} Their names, with the package's folder.
 */
function findNotExported(folder) {
  const reports = join(root, folder, "api");
  const text = readdirSync(reports)
    .map((file) => readFileSync(join(reports, file), "utf8"))
    .join("\n");
  const exported = new Set(
    Array.from(text.matchAll(/^export (?:abstract )?\w+ (\w+)/gm), ([, name]) => name),
  );
  const named = Array.from(
    text.matchAll(/\(ae-forgotten-export\) The symbol "(\w+)"/g),
    ([, name]) => name,
  );
  return named.filter((name) => !exported.has(name)).map((name) => `${folder}: ${name}`);
}
