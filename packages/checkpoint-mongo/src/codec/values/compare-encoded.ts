import { types } from "node:util";
import { NO_ENTRIES } from "./empty-trees.ts";
import { encodeDate, encodeValue } from "./encode-value.ts";
import { takeKnownApart, type KnownParts } from "./langchain-classes.ts";
import { hasForm, type MessageForm } from "./message-form.ts";
import { hasToJson, isDense, isPlainPrototype } from "./plain-data.ts";
import { writePlainJson } from "./plain-json.ts";
import { TAG } from "./tags.ts";

type Entries = Readonly<Record<string | number, unknown>>;

/**
 * Whether `encodeMember` would give a certain text for a member of a container, without making the text.
 * The value and the parsed text are walked side by side. Rare kinds of parts are encoded and compared as
 * text.
 *
 * Also false if the value would be refused, or is itself of a rare kind: then the encoder decides.
 *
 * @param tree the text that `encodeMember` gave, parsed
 * @param form the same laid out, if that is known
 */
export function isEncodedAs(
  container: object,
  key: string | number,
  tree: unknown,
  form?: MessageForm,
): boolean {
  try {
    const value = (container as Entries)[key];
    return (
      (form !== undefined && hasForm(value, form, isSamePart)) || isSame(value, key, tree, "whole")
    );
  } catch {
    // A getter, a Proxy, or the stack.
    return false;
  }
}

/** The same for a value and the text that `encodeValue` gave. */
export function isValueEncodedAs(value: unknown, tree: unknown): boolean {
  try {
    return isSame(value, "", tree, "whole");
  } catch {
    return false;
  }
}

type Extent = "whole" | "part";

function isSamePart(value: unknown, key: string | number, tree: unknown): boolean {
  return isSame(value, key, tree, "part");
}

function isSame(value: unknown, key: string | number, tree: unknown, extent: Extent): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value === tree;
    case "number":
      return Object.is(value, tree) || isSameText(value, key, tree, extent);
    case "object":
      return value === null ? tree === null : isSameObject(value, key, tree, extent);
    case "undefined":
      return isTree(tree) && tree[TAG] === "undefined";
    case "bigint":
      return isSameText(value, key, tree, extent);
    default:
      return false;
  }
}

function isSameObject(value: object, key: string | number, tree: unknown, extent: Extent): boolean {
  if (tree === NO_ENTRIES && isEmptyRecord(value)) return true;
  if (Array.isArray(value)) {
    return hasToJson(value) || !isDense(value)
      ? isSameText(value, key, tree, extent)
      : Array.isArray(tree) && areSameItems(value, tree);
  }
  if (isPlainPrototype(Object.getPrototypeOf(value))) {
    return isOrdinaryRecord(value)
      ? isTree(tree) && isSameRecord(value, tree)
      : isSameText(value, key, tree, extent);
  }
  const known = takeKnownApart(value);
  if (known !== undefined) return isTree(tree) && isSameKnown(known, tree);
  return types.isDate(value) && Reflect.ownKeys(value).length === 0
    ? isTree(tree) && tree[TAG] === "date" && tree["v"] === encodeDate(value)
    : isSameText(value, key, tree, extent);
}

/** Whether an object certainly is of no class and has no keys. */
function isEmptyRecord(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype || Array.isArray(value)) return false;
  for (const _key in value) return false;
  const { toJSON, lg_name } = value as { readonly toJSON?: unknown; readonly lg_name?: unknown };
  return (
    toJSON === undefined &&
    lg_name === undefined &&
    !Object.hasOwn(value, TAG) &&
    Object.getOwnPropertySymbols(value).length === 0
  );
}

function areSameItems(items: readonly unknown[], trees: readonly unknown[]): boolean {
  if (items.length !== trees.length) return false;
  for (let index = 0; index < trees.length; index += 1) {
    if (!isSame(items[index], index, trees[index], "part")) return false;
  }
  return true;
}

/** Whether an object of no class is encoded as its keys. A `Send`, for example, is not. */
function isOrdinaryRecord(value: object): boolean {
  return (
    !hasToJson(value) &&
    Object.getOwnPropertySymbols(value).length === 0 &&
    (value as { readonly lg_name?: unknown }).lg_name !== "Send"
  );
}

function isSameRecord(value: object, tree: Entries): boolean {
  const isTagged = Object.hasOwn(tree, TAG);
  // Data with such a key is tagged as data.
  if (isTagged !== Object.hasOwn(value, TAG)) return false;
  if (!isTagged) return areSameOwn(value, tree);
  return tree[TAG] === "object" && areSameOwn(value, tree["v"] as Entries);
}

function isSameKnown(
  { className, keys, fields, extra, symbol }: KnownParts,
  tree: Entries,
): boolean {
  if (tree[TAG] !== "message" || symbol !== undefined) return false;
  const [sameName, sameFields, sameExtra] = tree["v"] as [string, Entries, Entries?];
  if (className !== sameName || !areSameEntries(fields, keys, sameFields)) return false;
  if (extra === undefined || sameExtra === undefined) return extra === sameExtra;
  return areSameEntries(extra, Object.keys(extra), sameExtra);
}

function areSameEntries(source: object, keys: readonly string[], entries: Entries): boolean {
  const expected = Object.keys(entries);
  if (keys.length !== expected.length) return false;
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!;
    if (key !== expected[index] || !isSame((source as Entries)[key], key, entries[key], "part")) {
      return false;
    }
  }
  return true;
}

/** Whether an object of no class has just these entries. */
function areSameOwn(value: object, entries: Entries): boolean {
  const expected = Object.keys(entries);
  let index = 0;
  // A loop over an object's own keys reads its properties without looking them up.
  for (const key in value) {
    if (key !== expected[index]) {
      // Own keys come first. After them comes what a library has added to all objects.
      if (index === expected.length && !Object.hasOwn(value, key)) break;
      return false;
    }
    index += 1;
    if (!isSame((value as Entries)[key], key, entries[key], "part")) return false;
  }
  // If the last key is an object's own, so are those before it.
  return index === expected.length && (index === 0 || Object.hasOwn(value, expected[index - 1]!));
}

/** The texts of those parts of trees that had to be compared as text. */
const texts = new WeakMap<object, string>();

function isSameText(value: unknown, key: string | number, tree: unknown, extent: Extent): boolean {
  if (extent === "whole") return false;
  const text = encodeValue(value, "", [key]);
  if (typeof tree !== "object" || tree === null) return text === JSON.stringify(tree);
  let expected = texts.get(tree);
  if (expected === undefined) {
    expected = writePlainJson(tree);
    texts.set(tree, expected);
  }
  return text === expected;
}

function isTree(tree: unknown): tree is Entries {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}
