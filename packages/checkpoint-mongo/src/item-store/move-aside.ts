import type { Collection } from "mongodb";
import { isDuplicateKeyError } from "../driver/server-errors.ts";
import { addressOf, joinLabels, spellNamespace, type ItemAddress } from "./item-address.ts";
import type { ItemDocument } from "./item-document.ts";

/**
 * Makes room for items in the unique index. Items of the official store with a `/` in a label may hold the
 * same place; they get the spelling that keeps namespaces apart. The official store finds items by other
 * fields, so it is not affected.
 *
 * They are copied and then removed, so that one of them always exists: not every server lets a changed
 * document leave its place in a unique index.
 */
export async function moveAside(
  items: Collection<ItemDocument>,
  addresses: readonly ItemAddress[],
): Promise<void> {
  const meant = new Set(addresses.map(addressOf));
  const inTheWay = await items
    .aggregate<ItemDocument>([
      {
        $match: { namespaceStr: { $in: addresses.map(({ namespace }) => joinLabels(namespace)) } },
      },
      // A label with the separator, and this very spelling, are the official store's.
      { $match: { key: { $in: addresses.map(({ key }) => key) }, namespace: { $regex: "/" } } },
    ])
    .toArray();
  for (const item of inTheWay) {
    if (!meant.has(addressOf(item))) await moveItem(items, item);
  }
}

async function moveItem(items: Collection<ItemDocument>, item: ItemDocument): Promise<void> {
  const { _id, ...fields } = item;
  const namespaceStr = spellNamespace(item.namespace);
  const copy = { ...fields, namespaceStr } as ItemDocument;
  try {
    await items.insertOne(copy);
  } catch (error) {
    if (!isDuplicateKeyError(error)) throw error;
    await removeOlder(items, item, namespaceStr);
    return;
  }
  const { deletedCount } = await items.deleteOne({ _id, updatedAt: item.updatedAt });
  if (deletedCount > 0) return;
  // If the item was overwritten meanwhile, the copy is old, and the next attempt copies the new one. If it
  // does not exist, this command may have removed it, and its reply was lost.
  const overwritten = await items.findOne({ _id });
  if (overwritten !== null) await items.deleteOne({ _id: copy._id });
}

/** Both stores created the same item at the same moment, each in its own spelling. */
async function removeOlder(
  items: Collection<ItemDocument>,
  item: ItemDocument,
  namespaceStr: string,
): Promise<void> {
  const other = await items.findOne({ namespaceStr, key: item.key, namespace: item.namespace });
  if (other === null) return;
  const older = other.updatedAt < item.updatedAt ? other : item;
  await items.deleteOne({ _id: older._id, updatedAt: older.updatedAt });
}
