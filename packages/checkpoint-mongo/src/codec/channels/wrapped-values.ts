import { DeltaSnapshot, isDeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { types } from "node:util";
import type { Wrapper } from "../../documents/manifest.ts";
import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import { hasToJson, isPlainPrototype } from "../values/plain-data.ts";

/** A value, and what holds it. */
export interface Unwrapped {
  /** Undefined for a value that nothing holds. */
  readonly wrapper: Wrapper | undefined;
  readonly content: unknown;
  /** Where in the whole the content stands. */
  readonly path: readonly string[];
}

/** Takes a value out of its wrapper, so that it is stored item by item as it would be without one. */
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
    // A getter. Whoever encodes it says what is wrong with it.
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

/** What a value is, if all that is stored of it is what it holds. The encoder asks the same of it. */
export function findWrapper(value: unknown): Wrapper | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    if (types.isSet(value)) return isBare(value) ? "set" : undefined;
    if (types.isMap(value)) return isBare(value) ? "map" : undefined;
    return isSnapshot(value) ? "delta" : undefined;
  } catch {
    // A revoked Proxy, for one.
    return undefined;
  }
}

/** Whether a collection is nothing but what it holds. */
function isBare(value: object): boolean {
  return !hasToJson(value) && Reflect.ownKeys(value).length === 0;
}

function isSnapshot(value: object): boolean {
  return (
    isDeltaSnapshot(value) &&
    !isPlainPrototype(Object.getPrototypeOf(value)) &&
    Reflect.ownKeys(value).length === 2 &&
    Object.hasOwn(value, "value") &&
    // Of a class of its own, and not of one that extends a built-in.
    Object.prototype.toString.call(value) === "[object Object]"
  );
}
