import { DeltaSnapshot, isDeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { types } from "node:util";
import type { Wrapper } from "../documents/index.ts";
import { hasToJson, isPlainPrototype } from "./plain-data.ts";

/** A value, and what holds it. */
export interface Unwrapped {
  /** Undefined for a value that nothing holds. */
  readonly wrapper: Wrapper | undefined;
  readonly content: unknown;
  /** Where in the whole the content stands. */
  readonly path: readonly string[];
}

/**
 * Takes a value out of its wrapper, so that it is stored item by item as it would be without one. The
 * same questions are asked as by the encoder.
 */
export function unwrap(value: unknown): Unwrapped {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    try {
      if ((types.isSet(value) || types.isMap(value)) && isBare(value)) {
        return types.isSet(value)
          ? hold("set", [...Set.prototype.values.call(value)])
          : hold("map", [...Map.prototype.entries.call(value)]);
      }
      if (isSnapshot(value)) return { ...hold("delta", value.value), path: ["value"] };
    } catch {
      // A Proxy or a getter. Whoever encodes it says what is wrong with it.
    }
  }
  return hold(undefined, value);
}

/** Puts a value that was taken out of its wrapper back. */
export function wrap(wrapper: Wrapper | undefined, content: unknown): unknown {
  switch (wrapper) {
    case undefined:
      return content;
    case "delta":
      return new DeltaSnapshot(content);
    case "map":
      return new Map(content as [unknown, unknown][]);
    case "set":
      return new Set(content as unknown[]);
  }
}

function hold(wrapper: Wrapper | undefined, content: unknown): Unwrapped {
  return { wrapper, content, path: [] };
}

/** Whether a collection is nothing but what it holds. */
function isBare(value: object): boolean {
  return !hasToJson(value) && Reflect.ownKeys(value).length === 0;
}

function isSnapshot(value: object): value is { readonly value: unknown } {
  return (
    !isPlainPrototype(Object.getPrototypeOf(value)) &&
    isDeltaSnapshot(value) &&
    Reflect.ownKeys(value).length === 2 &&
    Object.hasOwn(value, "value") &&
    // Of a class of its own, and not of one that extends a built-in.
    Object.prototype.toString.call(value) === "[object Object]"
  );
}
