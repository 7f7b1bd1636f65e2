import type { Spender } from "./budget-book.ts";

/** The part of a LangChain config that says who spends. */
export interface SpenderConfig {
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The spender of calls that name neither thread, run nor user. */
export const NOBODY: Spender = { threadId: undefined, runId: undefined, userId: undefined };

/** Thread, run and user as a call's config names them. */
export function readSpender({ configurable, metadata }: SpenderConfig): Spender {
  const read = (name: string): string | undefined => {
    const value = configurable?.[name] ?? metadata?.[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const threadId = read("thread_id");
  const runId = read("run_id");
  const userId = read("user_id");
  return (threadId ?? runId ?? userId) === undefined ? NOBODY : { threadId, runId, userId };
}
