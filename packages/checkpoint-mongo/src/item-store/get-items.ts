import type { Item } from "@langchain/langgraph-checkpoint";
import type { Document } from "mongodb";
import { addressOf, listSpellings, type ItemAddress } from "./item-address.ts";
import { LONG_AGO, refreshExpiry } from "./item-expiry.ts";
import { IS_ALIVE, ITEM_FIELDS, type ItemDocument } from "./item-document.ts";
import { readItem } from "./read-item.ts";
import type { StoreContext } from "./store-context.ts";

/** Finds items with one command; null for those that do not exist. */
export async function getItems(
  context: StoreContext,
  addresses: readonly ItemAddress[],
): Promise<(Item | null)[]> {
  const wanted = addresses.filter(({ namespace }) => namespace.length > 0);
  if (wanted.length === 0) return addresses.map(() => null);
  const documents = context.options.ttl?.refreshOnRead
    ? await findAndRefresh(context, wanted)
    : await find(context, wanted);
  const found = new Map<string, ItemDocument>();
  for (const document of documents) {
    const address = addressOf(document);
    const other = found.get(address);
    // Two stores created the same item at the same moment, under two spellings.
    if (other === undefined || other.updatedAt < document.updatedAt) found.set(address, document);
  }
  return Promise.all(
    addresses.map(async (address) => {
      const document = found.get(addressOf(address));
      return document === undefined
        ? null
        : await readItem(document, context.options.allowedObjects);
    }),
  );
}

function find({ items }: StoreContext, addresses: readonly ItemAddress[]): Promise<ItemDocument[]> {
  return items
    .aggregate<ItemDocument>([
      // In its own stage: some servers use an index only if it covers the whole condition.
      { $match: matchSlots(addresses) },
      { $match: { $and: [matchItems(addresses), IS_ALIVE] } },
      { $project: ITEM_FIELDS },
    ])
    .toArray();
}

/** The condition for the index. It may match other items of the same namespaces too. */
function matchSlots(addresses: readonly ItemAddress[]): Document {
  const spellings = [...new Set(addresses.flatMap(({ namespace }) => listSpellings(namespace)))];
  if (spellings.length > 1) return { namespaceStr: { $in: spellings } };
  const keys = [...new Set(addresses.map(({ key }) => key))];
  return { namespaceStr: spellings[0], key: keys.length > 1 ? { $in: keys } : keys[0] };
}

/** The exact condition for the items. */
function matchItems(addresses: readonly ItemAddress[]): Document {
  const [only, ...others] = addresses.map(matchItem);
  return others.length === 0 ? only! : { $or: [only, ...others] };
}

/** The condition for one item, under any spelling. */
export function matchItem({ namespace, key }: ItemAddress): Document {
  const [spelling, ...others] = listSpellings(namespace);
  return {
    namespaceStr: others.length === 0 ? spelling : { $in: [spelling, ...others] },
    key,
    namespace,
  };
}

/** Restarts the time of items: one command for one item, two for several. */
async function findAndRefresh(
  context: StoreContext,
  addresses: readonly ItemAddress[],
): Promise<ItemDocument[]> {
  const { items, options } = context;
  const update = [{ $set: { expiresAt: refreshExpiry(options.ttl!) } }];
  if (addresses.length > 1) {
    const refreshes = addresses.map((address) => ({
      updateOne: { filter: matchItem(address), update },
    }));
    await items.bulkWrite(refreshes, { ordered: false });
    return find(context, addresses);
  }
  const document = await items.findOneAndUpdate(matchItems(addresses), update, {
    projection: { ...ITEM_FIELDS, expiresAt: 1 },
    returnDocument: "after",
  });
  const hasExpired = document?.expiresAt?.getTime() === LONG_AGO.getTime();
  return document === null || hasExpired ? [] : [document];
}
