import { isDeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { types } from "node:util";
import { UnserializableStateError } from "../../errors/unserializable-state-error.ts";
import { isError, takeErrorApart } from "./error-values.ts";
import { explainHiddenRecord, explainHiddenState } from "./hidden-state.ts";
import { takeKnownApart, type KnownParts } from "./langchain-classes.ts";
import { readRecord, takeRecordApart } from "./langchain-records.ts";
import { readLeaf, unbox } from "./leaf-values.ts";
import { findSymbolKey, hasToJson, isDense, isPlainPrototype, readSend } from "./plain-data.ts";
import { writePlainJson } from "./plain-json.ts";
import { quoteKey, quoteString } from "../texts/quote-string.ts";
import { TAG, type TagName } from "./tags.ts";

/** Deeper nesting is refused: it is nearly always a mistake, and it would overflow the stack. */
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
  const encoder = new Encoder(channel, path);
  return encoder.guard(() => encoder.encode(value));
}

/**
 * Encodes one member of a channel's array or object, like {@link encodeValue}. It is read here, because a
 * getter or a Proxy may throw.
 *
 * @param path where in the channel the container stands
 */
export function encodeMember(
  container: object,
  key: string | number,
  channel: string,
  path: readonly (string | number)[] = [],
): string {
  const encoder = new Encoder(channel, path);
  return encoder.guard(() => encoder.encodeMember(container, key));
}

type Entries = Readonly<Record<string | number, unknown>>;

class Encoder {
  readonly #channel: string;
  readonly #ancestors: object[] = [];
  readonly #path: (string | number)[];

  constructor(channel: string, path: readonly (string | number)[]) {
    this.#channel = channel;
    this.#path = [...path];
  }

  /** Adds the path to what getters, proxies and the like throw. */
  guard(encode: () => string): string {
    try {
      return encode();
    } catch (error) {
      if (UnserializableStateError.isInstance(error)) throw error;
      if (isStackOverflow(error))
        return this.#refuse("it is nested too deep for the stack.", error);
      return this.#refuse(`reading it threw: ${describe(error)}.`, error);
    }
  }

  encode(value: unknown): string {
    switch (typeof value) {
      case "string":
        return quoteString(value);
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

  encodeMember(container: object, key: string | number): string {
    this.#path.push(key);
    const text = this.encode((container as Entries)[key]);
    this.#path.pop();
    return text;
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
    if (Array.isArray(value)) return this.#encodeArray(value);
    return isPlainPrototype(Object.getPrototypeOf(value))
      ? this.#encodeRecord(value)
      : this.#encodeInstance(value);
  }

  #encodeArray(items: readonly unknown[]): string {
    if (hasToJson(items)) {
      const text = this.#encodeThroughToJson(items);
      if (text !== undefined) return text;
    }
    if (isDense(items)) return this.#encodeItems(items);
    this.#refuseSymbolKey(items);
    // With holes, or with keys beside its items like the match of a RegExp.
    return tag("array", `[${items.length},${this.#encodeEntries(items)}]`);
  }

  /** An object of no class. */
  #encodeRecord(value: object): string {
    if (hasToJson(value)) {
      const text = this.#encodeThroughToJson(value);
      if (text !== undefined) return text;
    }
    const symbols = Object.getOwnPropertySymbols(value);
    if (symbols.length > 0) {
      this.#refuseSymbolKey(value);
      const reason = explainHiddenRecord(value);
      if (reason !== undefined) return this.#refuse(reason);
    }
    return this.#encodeKeys(readSend(value) ?? value);
  }

  #encodeInstance(value: object): string {
    const known = takeKnownApart(value);
    if (known !== undefined) return this.#encodeKnown(known);
    const builtIn = this.#encodeBuiltIn(value);
    if (builtIn !== undefined) return builtIn;
    if (isDeltaSnapshot(value)) return tag("delta", this.encodeMember(value, "value"));
    const send = readSend(value);
    if (send !== undefined) return this.#encodeKeys(send);
    if (hasToJson(value)) {
      const text = this.#encodeThroughToJson(value);
      if (text !== undefined) return text;
    }
    const reason = explainHiddenState(value);
    if (reason !== undefined) return this.#refuse(reason);
    this.#refuseSymbolKey(value);
    return this.#encodeKeys(value);
  }

  #encodeKnown({ className, keys, fields, extra, symbol }: KnownParts): string {
    if (symbol !== undefined) return this.#refuseKey(symbol);
    const texts = `${JSON.stringify(className)},${this.#encodeEntries(fields, keys)}`;
    const more = extra === undefined ? "" : `,${this.#encodeEntries(extra)}`;
    return tag("message", `[${texts}${more}]`);
  }

  /** An object of a built-in class with a stored form, or of a class that extends one. */
  #encodeBuiltIn(value: object): string | undefined {
    if (types.isDate(value)) {
      this.#refuseKeys(value, 0);
      return tag("date", JSON.stringify(encodeDate(value)));
    }
    if (types.isMap(value) || types.isSet(value) || types.isRegExp(value) || isError(value)) {
      // A class that extends one of these may have a toJSON.
      const text = hasToJson(value) ? this.#encodeThroughToJson(value) : undefined;
      return text ?? this.#encodeContainer(value);
    }
    const leaf = readLeaf(value);
    if (leaf !== undefined) {
      if (leaf.keyCount !== undefined) this.#refuseKeys(value, leaf.keyCount);
      return tag(leaf.tag, writePlainJson(leaf.json));
    }
    if (types.isBoxedPrimitive(value)) {
      const primitive = unbox(value);
      this.#refuseKeys(value, typeof primitive === "string" ? primitive.length : 0);
      return this.encode(primitive);
    }
    return undefined;
  }

  #encodeContainer(value: Map<unknown, unknown> | Set<unknown> | RegExp | Error): string {
    if (isError(value)) return this.#encodeError(value);
    this.#refuseKeys(value, 0);
    if (types.isRegExp(value)) {
      const texts = [JSON.stringify(value.source), JSON.stringify(value.flags)];
      return tag("regexp", `[${texts.join(",")},${this.encodeMember(value, "lastIndex")}]`);
    }
    // A class that extends one may iterate in another way.
    return types.isMap(value)
      ? tag("map", this.#encodeItems([...Map.prototype.entries.call(value)]))
      : tag("set", this.#encodeItems([...Set.prototype.values.call(value)]));
  }

  #encodeError(error: Error): string {
    const { className, fields, own, marks, unstorableKey } = takeErrorApart(error);
    if (unstorableKey !== undefined) this.#refuseKey(unstorableKey);
    const texts = [
      JSON.stringify(className),
      this.#encodeEntries(fields),
      this.#encodeEntries(own),
    ];
    if (Object.keys(marks).length > 0) texts.push(this.#encodeEntries(marks));
    return tag("error", `[${texts.join(",")}]`);
  }

  /**
   * LangChain's serializable objects, and other objects with a toJSON. Undefined if toJSON returns the
   * object itself.
   */
  #encodeThroughToJson(value: object & { toJSON: (key: string) => unknown }): string | undefined {
    let json: unknown;
    try {
      json = value.toJSON(String(this.#path.at(-1) ?? ""));
    } catch (error) {
      return this.#refuse(`its toJSON method threw: ${describe(error)}.`, error);
    }
    if (json === value) return undefined;
    const record = readRecord(value, json);
    if (record === undefined) return this.encode(json);
    const parts = takeRecordApart(value, record);
    if (typeof parts === "string") return this.#refuse(parts);
    return tag("langchain", `[${writePlainJson(parts.id)},${this.#encodeEntries(parts.kwargs)}]`);
  }

  #encodeKeys(value: object): string {
    const entries = this.#encodeEntries(value);
    return Object.hasOwn(value, TAG) ? tag("object", entries) : entries;
  }

  #encodeEntries(value: object, keys: readonly string[] = Object.keys(value)): string {
    let text = "";
    const last = this.#path.push("") - 1;
    for (const key of keys) {
      this.#path[last] = key;
      const separator = text === "" ? "" : ",";
      text += `${separator}${quoteKey(key)}:${this.encode((value as Entries)[key])}`;
    }
    this.#path.pop();
    return `{${text}}`;
  }

  #encodeItems(items: readonly unknown[]): string {
    let text = "";
    const last = this.#path.push(0) - 1;
    for (let index = 0; index < items.length; index += 1) {
      this.#path[last] = index;
      text += (index === 0 ? "" : ",") + this.encode(items[index]);
    }
    this.#path.pop();
    return `[${text}]`;
  }

  /** Refuses a value with more keys than its built-in class has. */
  #refuseKeys(value: object, expected: number): void {
    if (Reflect.ownKeys(value).length === 0) return;
    const keys = Object.keys(value);
    if (keys.length > expected) this.#refuseKey(keys.at(-1)!);
    this.#refuseSymbolKey(value);
  }

  #refuseSymbolKey(value: object): void {
    const symbol = findSymbolKey(value);
    if (symbol !== undefined) this.#refuseKey(symbol);
  }

  #refuseKey(key: string | symbol): never {
    const name =
      typeof key === "symbol" ? `symbol key ${String(key)}` : `key ${JSON.stringify(key)}`;
    return this.#refuse(`it has the ${name}, which has no stored form.`);
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

/** A date as it is stored; null for an invalid one. Date's own methods, because a subclass may override them. */
export function encodeDate(date: Date): string | null {
  return Number.isNaN(Date.prototype.getTime.call(date))
    ? null
    : Date.prototype.toISOString.call(date);
}

function formatKey(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message);
}

/** Describes what was thrown: it may be any value, even one that has no text. */
function describe(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a ${typeof thrown}`;
  }
}
