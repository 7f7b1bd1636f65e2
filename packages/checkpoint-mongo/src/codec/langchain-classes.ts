import { Document } from "@langchain/core/documents";
import * as messages from "@langchain/core/messages";
import * as promptValues from "@langchain/core/prompt_values";

/** A LangChain class that is rebuilt by calling its constructor with the fields it was made of. */
type FieldsClass = new (fields: Record<string, unknown>) => object;

/** What LangChain's `Serializable` keeps: the fields its constructor was given. */
export interface SerializableInstance {
  readonly lc_serializable: boolean;
  readonly lc_kwargs: Readonly<Record<string, unknown>>;
}

/**
 * The classes that make up nearly all of a graph's state, by the name they are stored under. They
 * are rebuilt synchronously; every other serializable LangChain object goes through `load` of
 * `@langchain/core/load`, which walks every node asynchronously.
 */
const CLASSES: ReadonlyMap<string, FieldsClass> = new Map(
  Object.entries({
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
    RemoveMessage: messages.RemoveMessage,
    StringPromptValue: promptValues.StringPromptValue,
    SystemMessage: messages.SystemMessage,
    SystemMessageChunk: messages.SystemMessageChunk,
    ToolMessage: messages.ToolMessage,
    ToolMessageChunk: messages.ToolMessageChunk,
  }) as [string, FieldsClass][],
);

const NAMES: ReadonlyMap<unknown, string> = new Map(
  Array.from(CLASSES, ([name, constructor]) => [constructor, name]),
);

/** The stored name of this object's class, if it is exactly one of the known ones. */
export function findClassName(value: object): string | undefined {
  return NAMES.get(value.constructor);
}

/**
 * The fields to rebuild a known object from: those its constructor was given, as they are now.
 */
export function readFields(value: object): Record<string, unknown> {
  const instance = value as Partial<SerializableInstance> & Record<string, unknown>;
  // A Document is no Serializable: what it was given is what it has.
  const given = instance.lc_kwargs ?? instance;
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(given)) {
    fields[key] = key in instance ? instance[key] : given[key];
  }
  return fields;
}

/** Rebuilds an object of a known class; undefined if the name is not in the closed list. */
export function rebuild(name: string, fields: Record<string, unknown>): object | undefined {
  // Its constructor alone takes the value itself.
  if (name === "StringPromptValue") {
    return new promptValues.StringPromptValue(fields["value"] as string);
  }
  const constructor = CLASSES.get(name);
  return constructor === undefined ? undefined : new constructor(fields);
}
