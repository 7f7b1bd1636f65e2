import type { JournalKey } from "@threadkeep/resilient-llm";

/** What an agent's process is to do. */
export interface AgentOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly baseURL: string;
  /** Where its tool acts. */
  readonly actsUrl: string;
  readonly threadId: string;
  readonly leaseMs: number;
  /** The folder of its keeper. `undefined`: it has none. */
  readonly keeperFolder: string | undefined;
}

/** The nodes of the agent's graph with one call of the model each. After the second one a tool acts once. */
export const STEPS = 4;

/** What the tool returns. */
export const ACTED = "acted";

/** What a node asks. The answer begins with it. */
export function nameCall(threadId: string, step: number): string {
  return `${threadId}/${step}`;
}

/** What an agent's process tells. */
export type AgentMessage =
  | { readonly kind: "ready" }
  /** A node begins, so the checkpoint of the one before is stored. */
  | { readonly kind: "node" }
  | { readonly kind: "done"; readonly texts: readonly string[] }
  /** A process was killed within the tool, and a human has to say whether it has acted. */
  | { readonly kind: "unknown"; readonly key: JournalKey };
