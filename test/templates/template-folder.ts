import { join } from "node:path";
import { workspace } from "../packaging/pack-workspace.ts";

/** The templates: their folders in `packages/examples/src`, each of which can be copied alone. */
export const TEMPLATES = [
  "quickstart",
  "chat-memory",
  "resilient-chat",
  "demo",
  "migrate-from-official",
  "time-travel",
  "worker-fleet",
  "human-in-the-loop",
  "streaming-resume",
  "research-agent",
] as const;

/** One of the templates. */
export type TemplateName = (typeof TEMPLATES)[number];

/** The folder of a template in this repository. */
export function templateFolder(name: TemplateName): string {
  return join(workspace, "packages/examples/src", name);
}
