import { DeltaSnapshot, isDeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { types } from "node:util";
import type { Wrapper } from "../../documents/manifest.ts";
import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import { hasToJson, isPlainPrototype } from "../values/plain-data.ts";

/** A value taken out of its wrapper. */
export interface Unwrapped {
  /** Undefined for a value without a wrapper. */
  readonly wrapper: Wrapper | undefined;
  readonly content: unknown;
  /** Where the content is inside the wrapper. */
  readonly path: readonly string[];
}

/** Takes a value out of its wrapper, so that it is stored item by item. */
export function unwrap(value: unknown): Unwrapped {
  const wrapper = findWrapper(value);
  try {
    switch (wrapper) {
      case "delta":
        return { wrapper, content: (value as DeltaSnapshot).value, path: ["value"] };
      case "map":
        return { wrapper, content: [...Map.prototype.entries.call(value)], path: [] };
      case "set":
        return { wrapper, content: [...Set.prototype.values.call(value)], path: [] };
      case undefined:
        break;
    }
  } catch {
    // A getter threw. The encoder reports what is wrong with it.
  }
  return { wrapper: undefined, content: value, path: [] };
}

/** Puts a value that was taken out of its wrapper back. */
export async function wrap(wrapper: Wrapper | undefined, content: unknown): Promise<unknown> {
  switch (wrapper) {
    case undefined:
      return content;
    case "delta":
      return new DeltaSnapshot(content);
    case "map":
      return makeMap(content as [unknown, unknown][]);
    case "set":
      return makeSet(content as unknown[]);
  }
}

async function makeMap(entries: readonly [unknown, unknown][]): Promise<Map<unknown, unknown>> {
  const map = new Map<unknown, unknown>();
  for (const [key, value] of entries) {
    map.set(key, value);
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return map;
}

async function makeSet(items: readonly unknown[]): Promise<Set<unknown>> {
  const set = new Set<unknown>();
  for (const item of items) {
    set.add(item);
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return set;
}

/** The kind of wrapper a value is; undefined if it holds more than its content. The encoder checks the same. */
export function findWrapper(value: unknown): Wrapper | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    if (types.isSet(value)) return isBare(value) ? "set" : undefined;
    if (types.isMap(value)) return isBare(value) ? "map" : undefined;
    return isSnapshot(value) ? "delta" : undefined;
  } catch {
    // For example a revoked Proxy.
    return undefined;
  }
}

/** Whether a collection has no extra keys and no toJSON. */
function isBare(value: object): boolean {
  return !hasToJson(value) && Reflect.ownKeys(value).length === 0;
}

function isSnapshot(value: object): boolean {
  return (
    isDeltaSnapshot(value) &&
    !isPlainPrototype(Object.getPrototypeOf(value)) &&
    Reflect.ownKeys(value).length === 2 &&
    Object.hasOwn(value, "value") &&
    // Its class must not extend a built-in one.
    Object.prototype.toString.call(value) === "[object Object]"
  );
}
