import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Finding } from "./finding.ts";

/** The oldest versions that the package supports, as its peers say. */
interface Manifest {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>> | undefined;
}

const LOOKED_AT = [
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint",
  "@langchain/core",
  "mongodb",
];

/** The first with an ordered `requestDrain`, task paths and the rest that the newest promises need. */
const NEEDED: Readonly<Record<string, string>> = { "@langchain/langgraph": "^1.4.17" };

/** Versions of Node.js, LangGraph and the driver, as the project in the current folder has them. */
export function checkVersions(folder: string): readonly Finding[] {
  const own = readManifest("..", import.meta.url);
  const inProject = pathToFileURL(join(folder, "package.json")).href;
  return [
    { check: "Node.js", verdict: "ok", found: process.version },
    ...LOOKED_AT.map((name) => {
      const manifest = readManifest(name, inProject) ?? readManifest(name, import.meta.url);
      return describeVersion(
        name,
        manifest?.version,
        NEEDED[name] ?? own?.peerDependencies?.[name],
      );
    }),
  ];
}

function describeVersion(
  check: string,
  version: string | undefined,
  range: string | undefined,
): Finding {
  if (version === undefined) return { check, verdict: "note", found: "not installed here" };
  if (range === undefined || isInRange(version, range))
    return { check, verdict: "ok", found: version };
  return {
    check,
    verdict: "problem",
    found: version,
    advice: `Install a version in the range ${range}.`,
  };
}

/** Ranges of this package's peers: carets, joined by `||`. */
function isInRange(version: string, range: string): boolean {
  const has = version.split(/[.-]/).map(Number);
  return range.split("||").some((part) => {
    const from = part.trim().replace(/^\^/, "").split(".").map(Number);
    const [major, minor = 0, patch = 0] = from;
    if (has[0] !== major) return false;
    return has[1]! > minor || (has[1] === minor && has[2]! >= patch);
  });
}

function readManifest(name: string, base: string): Manifest | undefined {
  try {
    const file = findPackageJSON(name, base);
    return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as Manifest);
  } catch {
    // It is not installed, or not for this project.
    return undefined;
  }
}
