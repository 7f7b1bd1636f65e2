import { OLDEST } from "../../oldest/resolve-oldest.ts";
import { COMPILERS } from "../compilers.ts";
import { findWorkspaceVersion } from "../workspace-version.ts";

/** Which versions of our peers a project has. */
export type Age = "oldest" | "newest";

/** LangGraph and what belongs to it, by their ages together. */
const LANGGRAPH = [
  "@langchain/core",
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint",
  "@langchain/openai",
];

/** Peers that are optional, in the oldest version that their range allows. */
const OPTIONAL = { "@opentelemetry/api": "1.9.0" };

/** What a user installs beside our packages. */
export interface Peers {
  /** As it is printed: `mongodb 6.20.0, LangGraph 1.4.17`. */
  readonly name: string;
  /** As package managers take them. */
  readonly packages: readonly string[];
}

/**
 * @param newest where the newest versions are from: what the registry has now, or what this workspace is
 *   tested with
 */
export async function choosePeers(
  driver: Age,
  langgraph: Age,
  newest: "registry" | "workspace",
): Promise<Peers> {
  const find = async (name: string, age: Age): Promise<string> => {
    if (age === "oldest") return OLDEST[name]!;
    // What nobody but the tests of the oldest versions names comes with the others.
    return newest === "registry" ? "latest" : findWorkspaceVersion(name);
  };
  const versions = {
    mongodb: await find("mongodb", driver),
    ...Object.fromEntries(
      await Promise.all(
        LANGGRAPH.map(async (name) => [name, await find(name, langgraph)] as const),
      ),
    ),
    ...OPTIONAL,
    "@types/node": "24.19.2",
  } as Readonly<Record<string, string>>;
  return {
    name: `mongodb ${versions["mongodb"]}, LangGraph ${versions["@langchain/langgraph"]}`,
    packages: [
      ...Object.entries(versions).map(([name, version]) => `${name}@${version}`),
      ...Object.entries(COMPILERS).map(([alias, target]) => `${alias}@npm:${target}`),
    ],
  };
}
