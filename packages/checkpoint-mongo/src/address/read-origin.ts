import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import { writeField } from "../documents/search-field.ts";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";
import { isTooLong, MAX_BYTES } from "./limits.ts";

/**
 * Reads what is kept of the config of a put: the id of the run, and the fields that `indexedConfig` names. Each is
 * looked for in `configurable` first, then in `metadata`. LangGraph does not put the run's id into the metadata of
 * checkpoints; whoever does so himself has it kept too.
 *
 * @throws InvalidAddressError if one cannot be kept as it is
 */
export function readOrigin(
  { configurable = {}, metadata = {} }: RunnableConfig,
  ofCheckpoint: unknown,
  indexed: readonly string[],
): CheckpointOrigin {
  const find = (field: string): readonly [path: string, value: unknown] =>
    configurable[field] === undefined
      ? [`metadata.${field}`, metadata[field]]
      : [`configurable.${field}`, configurable[field]];
  const [path, given] = find("run_id");
  const own = (ofCheckpoint as { readonly run_id?: unknown } | undefined)?.run_id;
  const runId = given ?? (typeof own === "string" ? own : undefined);
  const config: string[] = [];
  for (const field of indexed) {
    const [place, value] = find(field);
    if (value !== undefined && value !== null)
      config.push(writeField(field, checkValue(place, value)));
  }
  // What is no text is no run: agents may have a field of that name for something else.
  return {
    runId: typeof runId === "string" && runId !== "" ? checkText(path, runId) : undefined,
    config,
  };
}

function checkValue(path: string, value: unknown): string | number | boolean {
  if (typeof value === "string") return checkText(path, value);
  // Stored text has no other zero.
  if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (typeof value === "boolean") return value;
  throw new InvalidAddressError(
    path,
    "a string, a number or a boolean, since indexedConfig names it",
    value,
  );
}

function checkText(path: string, text: string): string {
  if (!text.isWellFormed()) {
    throw new InvalidAddressError(path, "a string of whole Unicode characters", text);
  }
  if (!isTooLong(text, MAX_BYTES.origin)) return text;
  throw new InvalidAddressError(path, `at most ${MAX_BYTES.origin} bytes of UTF-8`, text);
}
