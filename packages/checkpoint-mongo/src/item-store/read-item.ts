import type { Item } from "@langchain/langgraph-checkpoint";
import type { ItemDocument } from "./item-document.ts";
import { decodeItemValue } from "./item-value.ts";

/** The item a document stands for. */
export async function readItem(document: ItemDocument): Promise<Item> {
  return {
    value: (await decodeItemValue(document)) as Item["value"],
    key: document.key,
    namespace: document.namespace,
    createdAt: document.createdAt,
    updatedAt: document.updatedAt,
  };
}
