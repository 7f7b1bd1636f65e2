import { InvalidNamespaceError } from "@langchain/langgraph-checkpoint";
import { inspect } from "node:util";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";

/** Names one item. */
export interface ItemAddress {
  readonly namespace: readonly string[];
  readonly key: string;
}

/**
 * How `namespaceStr` separates labels. The official store joins labels by it and nothing else, so
 * `["a/b"]` and `["a", "b"]` are one string there, and its unique index keeps them apart by key only.
 */
const SEPARATOR = "/";

/**
 * No label may contain it, so a `namespaceStr` with it is never the official store's. It sorts right
 * before the separator: what begins with a namespace is one range of the index in either spelling.
 */
const MARK = ".";

/** The character after the separator: where the range of a prefix ends. */
const AFTER_SEPARATOR = "0";

/** How the official store spells a namespace. */
export function joinLabels(namespace: readonly string[]): string {
  return namespace.join(SEPARATOR);
}

/** Whether another namespace could have the same joined labels. */
export function mayBeShared(joined: string): boolean {
  return joined.includes(SEPARATOR) && !joined.includes(MARK);
}

/** Whether a label contains the separator, so that joining the labels loses where they end. */
export function hasSeparatorInLabel(namespace: readonly string[]): boolean {
  return namespace.some((label) => label.includes(SEPARATOR));
}

/**
 * The `namespaceStr` of a namespace: as the official store has it, but where a label contains the
 * separator followed by how many parts each label has: `["a/b", "c"]` is `a/b/c.2-1`.
 */
export function spellNamespace(namespace: readonly string[]): string {
  const joined = joinLabels(namespace);
  if (!hasSeparatorInLabel(namespace)) return joined;
  return joined + MARK + namespace.map((label) => label.split(SEPARATOR).length).join("-");
}

/** Every `namespaceStr` under which an item of the namespace may lie; ours first. */
export function listSpellings(namespace: readonly string[]): readonly string[] {
  const own = spellNamespace(namespace);
  const joined = joinLabels(namespace);
  return own === joined ? [own] : [own, joined];
}

/** Every label that the official store may have joined a part of this string from. */
export function* listLabelsWithSeparator(joined: string): Generator<string> {
  const parts = joined.split(SEPARATOR);
  for (let begin = 0; begin < parts.length; begin += 1) {
    for (let end = begin + 2; end <= parts.length; end += 1) {
      yield parts.slice(begin, end).join(SEPARATOR);
    }
  }
}

/** Bounds of `namespaceStr` for all that begins with a namespace, and for all there is. */
export function boundPrefix(prefix: readonly string[]): { $gte: string; $lt?: string } {
  const joined = joinLabels(prefix);
  return joined === "" ? { $gte: "" } : { $gte: joined, $lt: joined + AFTER_SEPARATOR };
}

/**
 * What holds for the `namespaceStr` of all that begins with a namespace; undefined if all do. The
 * bounds alone let siblings such as `a-b` beside `a` through.
 */
export function matchPrefix(prefix: readonly string[]): object | undefined {
  const joined = joinLabels(prefix);
  if (joined === "") return undefined;
  const below = { $gte: joined + MARK, $lt: joined + AFTER_SEPARATOR };
  return {
    $or: [{ namespaceStr: joined }, { namespaceStr: below }],
    ...Object.fromEntries(prefix.map((label, index) => [`namespace.${index}`, label])),
  };
}

/** What an operation may do with a namespace. */
export interface NamespaceRules {
  /** `[]` is everything (`search`), or nothing at all (`get`). */
  readonly allowEmpty: boolean;
}

/**
 * Checks a namespace, or the prefix of one.
 *
 * Colons are left to LangGraph: checkpoint 1.2 refuses them in its own methods, 1.1 takes them, and
 * so does the official store, so there are items with them.
 *
 * @throws InvalidNamespaceError if it cannot be one
 */
export function checkNamespace(namespace: unknown, { allowEmpty }: NamespaceRules): string[] {
  if (!Array.isArray(namespace)) {
    throw new InvalidNamespaceError(
      `Invalid namespace: expected an array of strings, got ${describe(namespace)}.`,
    );
  }
  const labels: readonly unknown[] = namespace;
  if (labels.length === 0 && !allowEmpty) {
    throw new InvalidNamespaceError("Namespace cannot be empty.");
  }
  // A copy: the caller may change the array while the operation is under way.
  return Array.from(labels, (label) => checkLabel(label, labels));
}

function checkLabel(label: unknown, namespace: readonly unknown[]): string {
  const where = `Invalid namespace label ${describe(label)} in ${describe(namespace)}.`;
  if (typeof label !== "string") {
    throw new InvalidNamespaceError(`${where} Namespace labels must be strings.`);
  }
  if (label === "") {
    throw new InvalidNamespaceError(`${where} Namespace labels cannot be empty strings.`);
  }
  if (label.includes(MARK)) {
    throw new InvalidNamespaceError(`${where} Namespace labels cannot contain periods ('.').`);
  }
  if (label.includes("\0")) {
    throw new InvalidNamespaceError(`${where} Namespace labels cannot contain NUL bytes.`);
  }
  if (!label.isWellFormed()) {
    throw new InvalidNamespaceError(`${where} Namespace labels must be well-formed Unicode.`);
  }
  return label;
}

/**
 * Checks an item's key.
 *
 * @throws InvalidAddressError if it is no string, empty or not well-formed Unicode
 */
export function checkKey(key: unknown): string {
  if (typeof key !== "string" || key === "" || !key.isWellFormed()) {
    throw new InvalidAddressError("key of an item", "a non-empty string of whole characters", key);
  }
  return key;
}

function describe(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 10 });
}

/** An address as one string, the same for the same item only. */
export function addressOf({ namespace, key }: ItemAddress): string {
  return JSON.stringify([namespace, key]);
}
