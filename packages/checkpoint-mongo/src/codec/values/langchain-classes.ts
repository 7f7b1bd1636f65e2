import { Document } from "@langchain/core/documents";
import * as messages from "@langchain/core/messages";
import * as promptValues from "@langchain/core/prompt_values";

type Fields = Record<string, unknown>;

/** A LangChain class whose constructor takes an object of fields. */
type FieldsClass = new (fields: Fields) => object;

/** The stored form of an object of a known class. */
export interface KnownParts {
  /** The stored name of its class. */
  readonly className: string;
  /** The fields for its constructor. */
  readonly keys: readonly string[];
  /** The object that has these fields. */
  readonly fields: Readonly<Fields>;
  /** Properties that its class does not know. */
  readonly extra: Readonly<Fields> | undefined;
  /** A symbol key that was set on it, which has no stored form. */
  readonly symbol: symbol | undefined;
}

/**
 * The classes that make up nearly all of a graph's state, by the name they are stored under. They are
 * rebuilt synchronously. Other serializable LangChain objects, if the user allows them, go through `load`
 * of `@langchain/core/load`, which walks every node asynchronously.
 */
const CLASSES = Object.entries({
  AIMessage: messages.AIMessage,
  AIMessageChunk: messages.AIMessageChunk,
  ChatMessage: messages.ChatMessage,
  ChatMessageChunk: messages.ChatMessageChunk,
  ChatPromptValue: promptValues.ChatPromptValue,
  Document,
  FunctionMessage: messages.FunctionMessage,
  FunctionMessageChunk: messages.FunctionMessageChunk,
  HumanMessage: messages.HumanMessage,
  HumanMessageChunk: messages.HumanMessageChunk,
  ImagePromptValue: promptValues.ImagePromptValue,
  RemoveMessage: messages.RemoveMessage,
  StringPromptValue: promptValues.StringPromptValue,
  SystemMessage: messages.SystemMessage,
  SystemMessageChunk: messages.SystemMessageChunk,
  ToolMessage: messages.ToolMessage,
  ToolMessageChunk: messages.ToolMessageChunk,
}) as [string, FieldsClass][];

/** A class of the closed list. */
export interface KnownClass {
  readonly className: string;
  readonly class: FieldsClass;
  readonly construct: (fields: Fields) => object;
  /** The keys of its instances. */
  readonly keys: ReadonlySet<string>;
  /** The same, in the order in which the constructor sets them. */
  readonly keyOrder: readonly string[];
  /** Those of them that its constructor takes. */
  readonly fieldKeys: readonly string[];
}

const BY_NAME: ReadonlyMap<unknown, KnownClass> = new Map(
  CLASSES.map(([className, Class]) => {
    const construct =
      className === "StringPromptValue"
        ? // Only this constructor takes the value itself.
          ({ value }: Fields) => new promptValues.StringPromptValue(value as string)
        : (fields: Fields) => new Class(fields);
    const sample = { content: "", messages: [], imageUrl: { url: "" }, value: "" };
    const keys = Object.keys(construct(sample));
    const fieldKeys = keys.filter((key) => !key.startsWith("lc_") && key !== "type");
    return [
      className,
      { className, class: Class, construct, keys: new Set(keys), keyOrder: keys, fieldKeys },
    ];
  }),
);

const BY_CONSTRUCTOR: ReadonlyMap<unknown, KnownClass> = new Map(
  Array.from(BY_NAME.values(), (known) => [known.class, known]),
);

/** Whether a class is in the closed list. */
export function isKnownClassName(name: unknown): boolean {
  return BY_NAME.has(name);
}

/** The class of the closed list that is stored under a name. */
export function findKnownClass(name: unknown): KnownClass | undefined {
  return BY_NAME.get(name);
}

/**
 * Takes an object of a known class apart; undefined for any other. Messages and prompt values may be of
 * another copy of `@langchain/core`, or of a class that extends a known one.
 */
export function takeKnownApart(value: object): KnownParts | undefined {
  const known = BY_CONSTRUCTOR.get(value.constructor) ?? findClassOfOtherCopy(value);
  if (known === undefined) return undefined;
  const { className, fieldKeys } = known;
  const instance = value as Readonly<Fields>;
  const extra = findExtra(instance, known.keys);
  const symbol = findForeignSymbol(value);
  const given = instance["lc_kwargs"] as Readonly<Fields> | undefined;
  // A Document is not a Serializable: its properties are its fields.
  if (given === undefined) return { className, keys: fieldKeys, fields: instance, extra, symbol };
  // The fields as they are now. A few are not kept by the object itself.
  const keys = Object.keys(given);
  let lacking: Set<string> | undefined;
  for (const key of keys) if (!(key in instance)) (lacking ??= new Set()).add(key);
  for (const key of fieldKeys) {
    // Set later, as LangGraph does with ids.
    if (!keys.includes(key) && instance[key] !== undefined) keys.push(key);
  }
  if (lacking === undefined) return { className, keys, fields: instance, extra, symbol };
  const fields = keys.map((key) => [key, lacking.has(key) ? given[key] : instance[key]]);
  return { className, keys, fields: Object.fromEntries(fields) as Fields, extra, symbol };
}

/** Rebuilds an object of a known class; undefined if the name is not in the closed list. */
export function rebuildKnown(
  className: string,
  fields: Fields,
  extra: Readonly<Fields> | undefined,
): object | undefined {
  const known = BY_NAME.get(className);
  if (known === undefined) return undefined;
  const instance = known.construct(fields) as Fields;
  for (const key in fields) {
    const field = fields[key];
    // Some constructors derive fields that may have been set to other values since.
    if (field !== undefined && instance[key] !== field && known.fieldKeys.includes(key)) {
      instance[key] = field;
    }
  }
  if (extra === undefined) return instance;
  for (const [key, value] of Object.entries(extra)) {
    // An assignment to "__proto__" would set the prototype instead of the key.
    Object.defineProperty(instance, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return instance;
}

function findExtra(
  instance: Readonly<Fields>,
  known: ReadonlySet<string>,
): Readonly<Fields> | undefined {
  const keys = Object.keys(instance);
  // The class always sets all of its keys, so the same number means the same keys.
  if (keys.length === known.size) return undefined;
  const extra = keys.filter((key) => !known.has(key) && instance[key] !== undefined);
  return extra.length === 0
    ? undefined
    : Object.fromEntries(extra.map((key) => [key, instance[key]]));
}

/** By this key every copy of LangChain recognises a message. */
const MESSAGE_SYMBOL = Symbol.for("langchain.message");

/** A symbol key that was set on an object of a known class. */
export function findForeignSymbol(instance: object): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(instance);
  return symbols.length <= 1 && (symbols.length === 0 || symbols[0] === MESSAGE_SYMBOL)
    ? undefined
    : symbols.find((symbol) => symbol !== MESSAGE_SYMBOL);
}

const NAMESPACES: ReadonlySet<string> = new Set([
  "langchain_core/messages",
  "langchain_core/prompt_values",
]);

function findClassOfOtherCopy(value: object): KnownClass | undefined {
  const { lc_serializable } = value as { readonly lc_serializable?: unknown };
  if (lc_serializable !== true) return undefined;
  const { lc_namespace, lc_kwargs, constructor } = value as {
    readonly lc_namespace?: unknown;
    readonly lc_kwargs?: unknown;
    readonly constructor?: { readonly lc_name?: () => unknown };
  };
  if (
    !Array.isArray(lc_namespace) ||
    !NAMESPACES.has(lc_namespace.join("/")) ||
    typeof lc_kwargs !== "object" ||
    lc_kwargs === null
  ) {
    return undefined;
  }
  const { lc_id, type } = value as { readonly lc_id?: unknown; readonly type?: unknown };
  // A subclass of a known class has its own id, but inherits the name.
  const names: unknown[] = Array.isArray(lc_id) ? [lc_id.at(-1)] : [];
  if (typeof constructor?.lc_name === "function") names.push(constructor.lc_name());
  // It has only the name of its constructor, which a bundler may have shortened.
  if (type === "remove") names.push("RemoveMessage");
  const name = names.find((candidate) => BY_NAME.has(candidate));
  return name === undefined ? undefined : BY_NAME.get(name);
}
