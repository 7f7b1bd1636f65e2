import { ToolMessage } from "@langchain/core/messages";

/** A result of a tool as it is stored. */
type StoredResult =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "message"; readonly fields: Record<string, unknown> }
  | { readonly kind: "error"; readonly message: string };

/** Whether a value survives as JSON: no class, no function, nothing that JSON leaves out. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every((item) => isJson(item));
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain && Object.values(value).every((item) => item === undefined || isJson(item));
}

/** A result as JSON. `undefined`: it is of a kind that cannot be stored, for example a `Command`. */
export function storeToolResult(result: unknown): string | undefined {
  let stored: StoredResult = { kind: "value", value: result };
  if (ToolMessage.isInstance(result)) {
    const { additional_kwargs, content, id, name, response_metadata, status, tool_call_id } =
      result;
    const artifact: unknown = result.artifact;
    const fields = { additional_kwargs, artifact, content, id, name, response_metadata };
    stored = { kind: "message", fields: { ...fields, status, tool_call_id } };
    if (!isJson(stored.fields)) return undefined;
  } else if (!isJson(result)) return undefined;
  return JSON.stringify(stored);
}

/** An error as JSON: a tool that acts once has ended with it. */
export function storeToolError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const stored: StoredResult = { kind: "error", message };
  return JSON.stringify(stored);
}

/**
 * The result that was stored.
 *
 * @throws Error with the message of the error that the tool ended with
 */
export function readToolResult(json: string): unknown {
  const stored = JSON.parse(json) as StoredResult;
  if (stored.kind === "error") throw new Error(stored.message);
  return stored.kind === "message" ? new ToolMessage(stored.fields as never) : stored.value;
}
