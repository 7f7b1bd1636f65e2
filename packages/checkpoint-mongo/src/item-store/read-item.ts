import type { Item } from "@langchain/langgraph-checkpoint";
import type { AllowedObjects } from "../codec/values/allowed-objects.ts";
import type { ItemDocument } from "./item-document.ts";
import { decodeItemValue } from "./item-value.ts";

/** Reads an item from its document. */
export async function readItem(document: ItemDocument, allowed: AllowedObjects): Promise<Item> {
  return {
    value: (await decodeItemValue(document, allowed)) as Item["value"],
    key: document.key,
    namespace: document.namespace,
    createdAt: document.createdAt,
    updatedAt: document.updatedAt,
  };
}
