import { InvalidNamespaceError } from "@langchain/langgraph-checkpoint";
import { inspect } from "node:util";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";

/** Names one item. */
export interface ItemAddress {
  readonly namespace: readonly string[];
  readonly key: string;
}

/**
 * Separates the labels in `namespaceStr`. In the official store `["a/b"]` and `["a", "b"]` are the same
 * string, and its unique index keeps their items apart only by key.
 */
const SEPARATOR = "/";

/**
 * No label may contain it, so a `namespaceStr` with it is never the official store's. It sorts right before
 * the separator, so in both spellings all namespaces with the same prefix are one range of the index.
 */
const MARK = ".";

/** The character after the separator. The range of a prefix ends with it. */
const AFTER_SEPARATOR = "0";

/** How the official store spells a namespace. */
export function joinLabels(namespace: readonly string[]): string {
  return namespace.join(SEPARATOR);
}

/** Whether another namespace could have the same joined labels. */
export function mayBeShared(joined: string): boolean {
  return joined.includes(SEPARATOR) && !joined.includes(MARK);
}

/** Whether a label contains the separator, so that the joined labels are ambiguous. */
export function hasSeparatorInLabel(namespace: readonly string[]): boolean {
  return namespace.some((label) => label.includes(SEPARATOR));
}

/**
 * The `namespaceStr` of a namespace, as in the official store. If a label contains the separator, the number
 * of parts of each label is appended: `["a/b", "c"]` becomes `a/b/c.2-1`.
 */
export function spellNamespace(namespace: readonly string[]): string {
  const joined = joinLabels(namespace);
  if (!hasSeparatorInLabel(namespace)) return joined;
  return joined + MARK + namespace.map((label) => label.split(SEPARATOR).length).join("-");
}

/** All spellings under which an item of a namespace may be stored; ours first. */
export function listSpellings(namespace: readonly string[]): readonly string[] {
  const own = spellNamespace(namespace);
  const joined = joinLabels(namespace);
  return own === joined ? [own] : [own, joined];
}

/** All labels with a separator that a string of joined labels may contain. */
export function* listLabelsWithSeparator(joined: string): Generator<string> {
  const parts = joined.split(SEPARATOR);
  for (let begin = 0; begin < parts.length; begin += 1) {
    for (let end = begin + 2; end <= parts.length; end += 1) {
      yield parts.slice(begin, end).join(SEPARATOR);
    }
  }
}

/** The bounds of `namespaceStr` for all namespaces with a prefix. */
export function boundPrefix(prefix: readonly string[]): { $gte: string; $lt?: string } {
  const joined = joinLabels(prefix);
  return joined === "" ? { $gte: "" } : { $gte: joined, $lt: joined + AFTER_SEPARATOR };
}

/**
 * The condition for all namespaces with a prefix; undefined without a prefix. The bounds alone would also
 * match siblings, such as `a-b` for the prefix `a`.
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

/** Which namespaces an operation accepts. */
export interface NamespaceRules {
  /** Whether `[]` is accepted: everything for `search`, nothing for `get`. */
  readonly allowEmpty: boolean;
}

/**
 * Checks a namespace or a prefix of one.
 *
 * Colons are left to LangGraph: checkpoint 1.2 refuses them in its own methods; 1.1 and the official store
 * accept them, so items with colons exist.
 *
 * @throws InvalidNamespaceError if it is not valid
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
 * @throws InvalidAddressError if it is not a string, empty, or not well-formed Unicode
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

/** The address of an item as one string, different for different items. */
export function addressOf({ namespace, key }: ItemAddress): string {
  return JSON.stringify([namespace, key]);
}
