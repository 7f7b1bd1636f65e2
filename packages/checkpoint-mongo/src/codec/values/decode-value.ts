import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { assertAllowed, type AllowedObjects } from "./allowed-objects.ts";
import { UnsupportedFormatError } from "../../errors/unsupported-format-error.ts";
import { decodeBinary } from "./binary-values.ts";
import { rebuildError } from "./error-values.ts";
import { rebuildKnown } from "./langchain-classes.ts";
import { loadRecord } from "./langchain-records.ts";
import { copyTree } from "./copy-tree.ts";
import { define } from "./define.ts";
import { needsLoader } from "./needs-loader.ts";
import type { MessageForm } from "./message-form.ts";
import { parseJson } from "../texts/parse-json.ts";
import { TAG, TAG_OPENING, type TagName } from "./tags.ts";

/**
 * Decodes what `encodeValue` encoded. Only the closed list of tags is revived, never code. The result is
 * a promise only if an object needs LangChain's own, asynchronous loader.
 *
 * @throws ClassNotAllowedError if the class of a LangChain object is neither in the closed list nor in
 *   `allowed`
 * @throws UnsupportedFormatError if a tag is not in the closed list
 * @throws Error if the text is not JSON
 */
export function decodeValue(text: string, allowed?: AllowedObjects): unknown {
  const parsed = parseJson(text);
  // Plain data does not have to be walked.
  if (!text.includes(TAG_OPENING)) return parsed;
  if (!needsLoader(text)) return revive(parsed, NOTHING_LOADED);
  return loadAll(parsed, allowed).then((loaded) => revive(parsed, loaded));
}

/** A line as JSON reads it. Nothing else may get hold of the tree, so it never changes. */
export interface ParsedLine {
  readonly tree: unknown;
  /** The same laid out, if it is a message. */
  readonly form: MessageForm | undefined;
  /** Whether the line holds anything that JSON lacks. */
  readonly isTagged: boolean;
}

/** Decodes a line that is parsed already. Its tree stays as it is. */
export function decodeParsed({ tree, form, isTagged }: ParsedLine): unknown {
  if (form !== undefined) {
    const fields = reviveEntries(copyTree(form.fields) as Entries, NOTHING_LOADED);
    return rebuildKnown(form.known.className, fields, undefined);
  }
  const copy = copyTree(tree);
  return isTagged ? revive(copy, NOTHING_LOADED) : copy;
}

/** LangChain objects that were loaded before, by their tags. */
type LoadedObjects = ReadonlyMap<object, unknown>;

const NOTHING_LOADED: LoadedObjects = new Map();

type Entries = Record<string, unknown>;

interface Tagged {
  readonly [TAG]: TagName;
  readonly v?: unknown;
}

/** Tags whose value is, or begins with, an object of entries. */
const HOLDS_ENTRIES: ReadonlySet<TagName> = new Set(["array", "error", "message", "object"]);

async function loadAll(
  parsed: unknown,
  allowed: AllowedObjects | undefined,
): Promise<LoadedObjects> {
  const tags: Tagged[] = [];
  collectLangChainTags(parsed, tags);
  return new Map(
    await Promise.all(tags.map(async (tag) => [tag, await loadTagged(tag, allowed)] as const)),
  );
}

async function loadTagged({ v }: Tagged, allowed: AllowedObjects | undefined): Promise<unknown> {
  const [id, kwargs] = v as [string[], Entries];
  assertAllowed(id, allowed);
  return loadRecord({ id, kwargs: reviveEntries(kwargs, await loadAll(kwargs, allowed)) });
}

function collectLangChainTags(value: unknown, found: Tagged[]): void {
  if (typeof value !== "object" || value === null) return;
  if (!Object.hasOwn(value, TAG)) {
    for (const entry of Object.values(value)) collectLangChainTags(entry, found);
    return;
  }
  const tag = value as Tagged;
  if (tag[TAG] === "langchain") {
    // Its arguments are loaded before it.
    found.push(tag);
    return;
  }
  // The keys of entries are the user's, so "$" may be one of them.
  const parts = HOLDS_ENTRIES.has(tag[TAG])
    ? [tag.v].flat().flatMap((part) => Object.values(part as Entries))
    : [tag.v];
  for (const part of parts) collectLangChainTags(part, found);
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
  // This is faster than listing its keys. What a library has added to all objects is no entry.
  for (const key in object) {
    const entry = object[key];
    if (typeof entry !== "object" || entry === null || !Object.hasOwn(object, key)) continue;
    const revived = revive(entry, loaded);
    if (revived === entry) continue;
    if (key === "__proto__") define(object, key, revived);
    else object[key] = revived;
  }
  return object;
}

function restoreArray(length: number, entries: Entries): unknown[] {
  const items: unknown[] = [];
  items.length = length;
  for (const [key, value] of Object.entries(entries)) define(items, key, value);
  return items;
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
      const [source, flags, lastIndex] = v as [string, string, unknown];
      const regexp = new RegExp(source, flags);
      regexp.lastIndex = revive(lastIndex, loaded) as number;
      return regexp;
    }
    case "bytes": {
      const [kind, base64] = v as [string, string];
      return decodeBinary(kind, base64) ?? refuse(`bytes of kind ${JSON.stringify(kind)}`);
    }
    case "headers":
      return new Headers(v as [string, string][]);
    case "search-params":
      return new URLSearchParams(v as string);
    case "array": {
      const [length, entries] = v as [number, Entries];
      return restoreArray(length, reviveEntries(entries, loaded));
    }
    case "map":
      return new Map(reviveItems(v as unknown[], loaded) as [unknown, unknown][]);
    case "set":
      return new Set(reviveItems(v as unknown[], loaded));
    case "error": {
      const [className, fields, own, marks = {}] = v as [string, Entries, Entries, Entries?];
      return rebuildError({
        className,
        fields: reviveEntries(fields, loaded),
        own: reviveEntries(own, loaded),
        marks: reviveEntries(marks, loaded),
      });
    }
    case "delta":
      return new DeltaSnapshot(revive(v, loaded));
    case "message": {
      const [className, fields, extra] = v as [string, Entries, Entries?];
      return (
        rebuildKnown(
          className,
          reviveEntries(fields, loaded),
          extra && reviveEntries(extra, loaded),
        ) ?? refuse(`a message of class ${JSON.stringify(className)}`)
      );
    }
    case "langchain":
      return loaded.get(tag);
    case "object":
      return reviveEntries(v as Entries, loaded);
    default:
      throw new UnsupportedFormatError(`a value tagged ${JSON.stringify(tag[TAG])}`);
  }
}

function refuse(what: string): never {
  throw new Error(`The stored text holds ${what}, which is not among the types that are revived.`);
}
