import { isDeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { types } from "node:util";
import { UnserializableStateError } from "../errors/index.ts";
import { encodeBinary } from "./binary-values.ts";
import { takeErrorApart } from "./error-values.ts";
import { findClassName, readFields } from "./langchain-classes.ts";
import { TAG, type TagName } from "./tags.ts";

/** Deeper nesting is refused: it is nearly always a mistake, and it would exhaust the stack. */
const MAX_DEPTH = 1_000;

/**
 * Encodes one value as a line of JSON: what JSON lacks is written with {@link TagName tags}. Equal
 * values built in the same order give equal texts, so texts can be compared instead of values.
 *
 * @param channel names the value in errors; the reported path starts with it
 * @param path where in the channel the value stands
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function encodeValue(
  value: unknown,
  channel: string,
  path: readonly (string | number)[] = [],
): string {
  return new Encoder(channel, path).encode(value);
}

class Encoder {
  readonly #channel: string;
  readonly #ancestors: object[] = [];
  readonly #path: (string | number)[];

  constructor(channel: string, path: readonly (string | number)[]) {
    this.#channel = channel;
    this.#path = [...path];
  }

  encode(value: unknown): string {
    switch (typeof value) {
      case "string":
        return JSON.stringify(value);
      case "number":
        return encodeNumber(value);
      case "boolean":
        return value ? "true" : "false";
      case "object":
        return value === null ? "null" : this.#encodeNested(value);
      case "undefined":
        return tag("undefined");
      case "bigint":
        return tag("bigint", `"${value}"`);
      default:
        return this.#refuse(`a ${typeof value} has no stored form.`);
    }
  }

  #encodeNested(value: object): string {
    if (this.#ancestors.includes(value)) {
      return this.#refuse("it contains itself.");
    }
    if (this.#ancestors.length === MAX_DEPTH) {
      return this.#refuse(`it is nested more than ${MAX_DEPTH} levels deep.`);
    }
    this.#ancestors.push(value);
    const text = this.#encodeObject(value);
    this.#ancestors.pop();
    return text;
  }

  #encodeObject(value: object): string {
    if (Array.isArray(value)) return this.#encodeItems(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return "toJSON" in value ? this.#encodeThroughToJson(value) : this.#encodePlainObject(value);
    }
    return this.#encodeInstance(value);
  }

  #encodeInstance(value: object): string {
    const className = findClassName(value);
    if (className !== undefined) {
      return tag(
        "message",
        `[${JSON.stringify(className)},${this.#encodeEntries(readFields(value))}]`,
      );
    }
    if (types.isDate(value)) return encodeDate(value);
    if (types.isMap(value)) return this.#encodeMap(value);
    if (types.isSet(value)) return tag("set", this.#encodeItems([...value]));
    if (value instanceof Error) return this.#encodeError(value);
    if (types.isRegExp(value)) {
      return tag("regexp", JSON.stringify([value.source, value.flags, value.lastIndex]));
    }
    const binary = encodeBinary(value);
    if (binary !== undefined) return tag("bytes", JSON.stringify(binary));
    if (value instanceof URL) return tag("url", JSON.stringify(value.href));
    if (isDeltaSnapshot(value)) return tag("delta", this.#at("value", value.value));
    const unstorable = nameUnstorable(value);
    if (unstorable !== undefined) return this.#refuse(`a ${unstorable} has no stored form.`);
    if (types.isBoxedPrimitive(value)) return this.encode(value.valueOf());
    if ("toJSON" in value) return this.#encodeThroughToJson(value);
    return this.#encodePlainObject(value);
  }

  /** LangChain's serializable objects, and whatever else says for itself how it is stored. */
  #encodeThroughToJson(value: object): string {
    const { toJSON } = value as { toJSON: unknown };
    if (typeof toJSON !== "function") return this.#encodePlainObject(value);
    let json: unknown;
    try {
      json = toJSON.call(value, String(this.#path.at(-1) ?? "")) as unknown;
    } catch (error) {
      return this.#refuse(`its toJSON method threw: ${String(error)}.`, error);
    }
    if (isLangChainRecord(value, json)) {
      // LangChain's loader reads its own JSON, so that is what is kept, as one string.
      return tag("langchain", JSON.stringify(JSON.stringify(json)));
    }
    return json === value ? this.#encodePlainObject(value) : this.encode(json);
  }

  #encodePlainObject(value: object): string {
    const symbol = Object.getOwnPropertySymbols(value).find((key) =>
      Object.prototype.propertyIsEnumerable.call(value, key),
    );
    if (symbol !== undefined) {
      return this.#refuse(`it has the symbol key ${String(symbol)}, which has no stored form.`);
    }
    const entries = this.#encodeEntries(value);
    return Object.hasOwn(value, TAG) ? tag("object", entries) : entries;
  }

  #encodeEntries(value: object): string {
    let text = "";
    for (const key of Object.keys(value)) {
      const separator = text === "" ? "" : ",";
      text += `${separator}${JSON.stringify(key)}:${this.#at(key, (value as Record<string, unknown>)[key])}`;
    }
    return `{${text}}`;
  }

  #encodeItems(items: readonly unknown[]): string {
    let text = "";
    for (let index = 0; index < items.length; index += 1) {
      text += (index === 0 ? "" : ",") + this.#at(index, items[index]);
    }
    return `[${text}]`;
  }

  #encodeMap(value: Map<unknown, unknown>): string {
    return tag("map", this.#encodeItems([...value]));
  }

  #encodeError(error: Error): string {
    const { className, fields, own } = takeErrorApart(error);
    const parts = [
      JSON.stringify(className),
      this.#encodeEntries(fields),
      this.#encodeEntries(own),
    ];
    return tag("error", `[${parts.join(",")}]`);
  }

  #at(key: string | number, value: unknown): string {
    this.#path.push(key);
    const text = this.encode(value);
    this.#path.pop();
    return text;
  }

  #refuse(reason: string, cause?: unknown): never {
    const path = this.#path.map(formatKey).join("");
    throw new UnserializableStateError(this.#channel, this.#channel + path, reason, { cause });
  }
}

function tag(name: TagName, value?: string): string {
  return value === undefined ? `{"${TAG}":"${name}"}` : `{"${TAG}":"${name}","v":${value}}`;
}

function encodeNumber(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? tag("number", `"-0"`) : String(value);
  return tag("number", `"${value}"`);
}

function encodeDate(value: Date): string {
  const time = value.getTime();
  return tag("date", Number.isNaN(time) ? "null" : `"${value.toISOString()}"`);
}

function formatKey(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Whether `json` is what a LangChain `Serializable` gives for itself to be loaded from. */
function isLangChainRecord(value: object, json: unknown): boolean {
  if (!("lc_serializable" in value) || typeof json !== "object" || json === null) return false;
  const record = json as { lc?: unknown; type?: unknown };
  return record.lc === 1 && record.type === "constructor";
}

function nameUnstorable(value: object): string | undefined {
  if (types.isPromise(value)) return "Promise";
  if (types.isWeakMap(value)) return "WeakMap";
  if (types.isWeakSet(value)) return "WeakSet";
  if (value instanceof WeakRef) return "WeakRef";
  if (types.isGeneratorObject(value)) return "generator";
  if (types.isSharedArrayBuffer(value)) return "SharedArrayBuffer";
  return undefined;
}
