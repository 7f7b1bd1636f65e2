import { BaseMessage } from "@langchain/core/messages";
import { isDeepStrictEqual } from "node:util";

/** A place at which two values differ. */
export interface ValueDifference {
  /** For example `messages[3].content`. */
  readonly path: string;
  /** As it was stored. `undefined`: it was not there. */
  readonly before: unknown;
  /** As it was replayed. `undefined`: it is not there. */
  readonly after: unknown;
}

/** What a message says. Its id may be random, and its metadata tell how it was got. */
function describeMessage(message: BaseMessage): Record<string, unknown> {
  const { content, name, type } = message;
  const { status, tool_call_id, tool_calls } = message as unknown as Record<string, unknown>;
  const calls = Array.isArray(tool_calls) && tool_calls.length > 0 ? tool_calls : undefined;
  const described = { type, content, name, status, tool_call_id, tool_calls: calls };
  return Object.fromEntries(Object.entries(described).filter(([, value]) => value !== undefined));
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A value without what is another one in each run. */
function normalize(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => normalize(item));
  if (BaseMessage.isInstance(value)) return normalize(describeMessage(value));
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, normalize(part)]));
}

/** Where two values differ: as deep inside of them as it can be said. */
export function compareValues(before: unknown, after: unknown, path: string): ValueDifference[] {
  return compare(normalize(before), normalize(after), path);
}

function compare(before: unknown, after: unknown, path: string): ValueDifference[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) =>
      compare(before[index], after[index], `${path}[${index}]`),
    ).flat();
  }
  if (isRecord(before) && isRecord(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return Array.from(names, (name) =>
      compare(before[name], after[name], path === "" ? name : `${path}.${name}`),
    ).flat();
  }
  return [{ path, before, after }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value);
}
