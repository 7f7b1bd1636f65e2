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

/** Optional peers in the oldest versions that their ranges allow, and what programs for Node.js need. */
const OTHERS = ["@opentelemetry/api@1.9.0", "bullmq@5.30.0", "@types/node@24.19.2"];

/**
 * What a user installs beside our packages, as package managers take it: our peers and two compilers.
 *
 * @param newest where the newest versions are from: what the registry has now, or what this workspace is
 *   tested with
 */
export async function choosePeers(
  driver: Age,
  langgraph: Age,
  newest: "registry" | "workspace",
): Promise<string[]> {
  const choose = async (name: string, age: Age): Promise<string> => {
    if (age === "oldest") return `${name}@${OLDEST[name]}`;
    return `${name}@${newest === "registry" ? "latest" : await findWorkspaceVersion(name)}`;
  };
  return [
    await choose("mongodb", driver),
    ...(await Promise.all(LANGGRAPH.map((name) => choose(name, langgraph)))),
    ...OTHERS,
    ...Object.entries(COMPILERS).map(([alias, target]) => `${alias}@npm:${target}`),
  ];
}
