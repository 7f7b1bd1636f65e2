/** What an agent's process is to do. */
export interface AgentOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly baseURL: string;
  readonly threadId: string;
  readonly leaseMs: number;
}

/** The nodes of the agent's graph, each with one call of the model. */
export const STEPS = 4;

/** What a node asks. The answer begins with it. */
export function nameCall(threadId: string, step: number): string {
  return `${threadId}/${step}`;
}

/** What an agent's process tells. */
export type AgentMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly texts: readonly string[] };
