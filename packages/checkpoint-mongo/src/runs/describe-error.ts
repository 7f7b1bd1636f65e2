import { ThreadkeepError } from "../errors/threadkeep-error.ts";

const MAX_MESSAGE_LENGTH = 2_000;

/** Errors of LangGraph that a repetition would meet again. */
const FINAL_NAMES: ReadonlySet<string> = new Set([
  "EmptyInputError",
  "GraphRecursionError",
  "InvalidUpdateError",
  "UnknownInterruptError",
  "UnreachableNodeError",
]);

/** An error as it is stored with a run. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

/** What is stored of an error. */
export function describeError(error: unknown): StoredError {
  const { name, message, code } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const text = typeof message === "string" ? message : String(error);
  return {
    name: typeof name === "string" ? name : "Error",
    message: text.slice(0, MAX_MESSAGE_LENGTH).toWellFormed(),
    ...(typeof code === "string" && { code }),
  };
}

/** Whether a repetition cannot help, as far as the error tells. */
export function isFinalError(error: unknown): boolean {
  if (ThreadkeepError.isInstance(error)) return error.isFinal;
  return FINAL_NAMES.has(String((error as { name?: unknown } | null | undefined)?.name));
}

/** Whether a graph has stopped because it was asked to. */
export function isDrained(error: unknown): boolean {
  return (error as { name?: unknown } | null | undefined)?.name === "GraphDrained";
}
