import { load } from "@langchain/core/load";
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { decodeBinary } from "./binary-values.ts";
import { rebuildError } from "./error-values.ts";
import { rebuild } from "./langchain-classes.ts";
import { TAG, TAG_OPENING, type TagName } from "./tags.ts";

/**
 * Decodes what `encodeValue` encoded. Only the closed list of tags is revived, never code. The
 * result is a promise only if the text holds an object that needs LangChain's own, asynchronous
 * loader.
 *
 * @throws Error if the text is no JSON, or holds a tag outside the closed list
 */
export function decodeValue(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  // Plain data needs no walk at all.
  if (!text.includes(TAG_OPENING)) return parsed;
  if (!needsLoader(text)) return revive(parsed, NOTHING_LOADED);
  return loadAll(parsed).then((loaded) => revive(parsed, loaded));
}

/**
 * Decodes many texts: one by one, which takes less time and memory than joining them to one array.
 * The result is a promise only if one of them needs LangChain's own loader.
 *
 * @throws Error like {@link decodeValue}
 */
export function decodeValues(texts: readonly string[]): readonly unknown[] | Promise<unknown[]> {
  return texts.some(needsLoader)
    ? Promise.all(texts.map(async (text) => decodeValue(text)))
    : texts.map((text) => decodeValue(text));
}

/** Whether a text holds an object that only LangChain's own loader can bring back. */
export function needsLoader(text: string): boolean {
  return text.includes(LANGCHAIN_OPENING);
}

/** LangChain objects that were loaded ahead, by the tag that stands for them. */
type LoadedObjects = ReadonlyMap<object, unknown>;

const NOTHING_LOADED: LoadedObjects = new Map();

const LANGCHAIN_OPENING = `${TAG_OPENING}langchain"`;

type Entries = Record<string, unknown>;

interface Tagged {
  readonly [TAG]: TagName;
  readonly v?: unknown;
}

async function loadAll(parsed: unknown): Promise<LoadedObjects> {
  const tags: Tagged[] = [];
  collectLangChainTags(parsed, tags);
  return new Map(
    await Promise.all(tags.map(async (tag) => [tag, await load(tag.v as string)] as const)),
  );
}

function collectLangChainTags(value: unknown, found: Tagged[]): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value) && (value as Partial<Tagged>)[TAG] === "langchain") {
    found.push(value as Tagged);
  } else {
    for (const entry of Object.values(value)) collectLangChainTags(entry, found);
  }
}

function revive(value: unknown, loaded: LoadedObjects): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return reviveItems(value, loaded);
  return Object.hasOwn(value, TAG)
    ? reviveTag(value as Tagged, loaded)
    : reviveEntries(value as Entries, loaded);
}

// Arrays and objects come fresh from JSON.parse and are revived in place.

function reviveItems(items: unknown[], loaded: LoadedObjects): unknown[] {
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (typeof item === "object" && item !== null) items[index] = revive(item, loaded);
  }
  return items;
}

function reviveEntries(object: Entries, loaded: LoadedObjects): Entries {
  for (const key of Object.keys(object)) {
    const entry = object[key];
    if (typeof entry !== "object" || entry === null) continue;
    const revived = revive(entry, loaded);
    if (revived === entry) continue;
    if (key === "__proto__") {
      // A plain assignment would set the prototype instead of the key.
      Object.defineProperty(object, key, {
        value: revived,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    } else {
      object[key] = revived;
    }
  }
  return object;
}

function reviveTag(tag: Tagged, loaded: LoadedObjects): unknown {
  const { v } = tag;
  switch (tag[TAG]) {
    case "undefined":
      return undefined;
    case "number":
      return Number(v);
    case "bigint":
      return BigInt(v as string);
    case "date":
      return new Date((v as string | null) ?? Number.NaN);
    case "url":
      return new URL(v as string);
    case "regexp": {
      const [source, flags, lastIndex] = v as [string, string, number];
      const regexp = new RegExp(source, flags);
      regexp.lastIndex = lastIndex;
      return regexp;
    }
    case "bytes": {
      const [kind, base64] = v as [string, string];
      return decodeBinary(kind, base64) ?? refuse(`bytes of kind ${JSON.stringify(kind)}`);
    }
    case "map":
      return new Map(reviveItems(v as unknown[], loaded) as [unknown, unknown][]);
    case "set":
      return new Set(reviveItems(v as unknown[], loaded));
    case "error": {
      const [className, fields, own] = v as [string, Entries, Entries];
      return rebuildError(className, reviveEntries(fields, loaded), reviveEntries(own, loaded));
    }
    case "delta":
      return new DeltaSnapshot(revive(v, loaded));
    case "message": {
      const [name, fields] = v as [string, Entries];
      return (
        rebuild(name, reviveEntries(fields, loaded)) ??
        refuse(`a message of class ${JSON.stringify(name)}`)
      );
    }
    case "langchain":
      return loaded.get(tag);
    case "object":
      return reviveEntries(v as Entries, loaded);
    default:
      return refuse(`a value tagged ${JSON.stringify(tag[TAG])}`);
  }
}

function refuse(what: string): never {
  throw new Error(`The stored text holds ${what}, which is not in the list of what is revived.`);
}
