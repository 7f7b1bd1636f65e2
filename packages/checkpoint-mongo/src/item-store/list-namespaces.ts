import type { Collection } from "mongodb";
import {
  boundPrefix,
  hasSeparatorInLabel,
  joinLabels,
  listLabelsWithSeparator,
  mayBeShared,
} from "./item-address.ts";
import { IS_ALIVE, type ItemDocument } from "./item-document.ts";
import { HAS_EXPIRED } from "./item-expiry.ts";
import type { ListRequest, NamespaceCondition } from "./operations.ts";
import type { StoreContext } from "./store-context.ts";

const ANY_LABEL = "*";

/** How many strings one command may have. */
const CHUNK = 5_000;

/**
 * Lists the namespaces that have items, in the order of their labels joined with `/`, by code units. MongoDB
 * reads only one item of each namespace for it.
 */
export async function listNamespaces(
  { items }: StoreContext,
  request: ListRequest,
): Promise<string[][]> {
  const { conditions, maxDepth, limit, offset } = request;
  if (limit === 0) return [];
  const spelled = await findSpelled(items, conditions);
  const found = new Found(conditions, maxDepth);
  for (const { namespace } of spelled) found.add(namespace);
  const last = offset + limit;
  for (const namespace of await findHidden(items, spelled, found.lastOf(last))) {
    found.add(namespace);
  }
  return found.sorted().slice(offset, last);
}

/** One namespace for each `namespaceStr` of items that have not expired. */
interface Spelled {
  readonly _id: string;
  readonly namespace: string[];
}

async function findSpelled(
  items: Collection<ItemDocument>,
  conditions: readonly NamespaceCondition[],
): Promise<Spelled[]> {
  const prefix = findLiteralPrefix(conditions);
  const bounds = { $match: { namespaceStr: boundPrefix(prefix) } };
  const group = { $group: { _id: "$namespaceStr", namespace: { $first: "$namespace" } } };
  const groups = await items
    .aggregate<Spelled & { readonly hasExpired: boolean }>([
      bounds,
      // Only of the first item, so that the server has to read only one item of each namespace.
      { $group: { ...group.$group, expiresAt: { $first: "$expiresAt" } } },
      {
        $project: {
          namespace: 1,
          hasExpired: HAS_EXPIRED,
        },
      },
    ])
    .toArray();
  const alive: Spelled[] = groups.filter(({ hasExpired }) => !hasExpired);
  const unsure = groups.filter(({ hasExpired }) => hasExpired).map(({ _id }) => _id);
  for (const chunk of inChunks(unsure)) {
    const others = await items
      .aggregate<Spelled>([
        { $match: { namespaceStr: { $in: chunk } } },
        { $match: IS_ALIVE },
        group,
      ])
      .toArray();
    alive.push(...others);
  }
  return alive;
}

/** The longest prefix without wildcards that a condition requires. */
function findLiteralPrefix(conditions: readonly NamespaceCondition[]): readonly string[] {
  const literals = conditions
    .filter(({ matchType }) => matchType === "prefix")
    .map(({ path }) => {
      const end = path.indexOf(ANY_LABEL);
      return end === -1 ? path : path.slice(0, end);
    });
  return literals.toSorted((a, b) => b.length - a.length)[0] ?? [];
}

/**
 * The namespaces with the same joined labels as another one that was found: one item of a `namespaceStr` shows
 * only one of them. Only the official store writes such items, with a `/` in a label.
 *
 * @param last namespaces after it do not matter
 */
async function findHidden(
  items: Collection<ItemDocument>,
  spelled: readonly Spelled[],
  last: string | undefined,
): Promise<string[][]> {
  const labels = new Set<string>();
  const joined: string[] = [];
  for (const { _id, namespace } of spelled) {
    if (!mayBeShared(_id) || (last !== undefined && _id > last)) continue;
    if (hasSeparatorInLabel(namespace)) joined.push(_id);
    else for (const label of listLabelsWithSeparator(_id)) labels.add(label);
  }
  return [
    // By every label that they could have. Mostly there is no such namespace.
    ...(await groupNamespaces(items, "namespace", [...labels])),
    ...(await groupNamespaces(items, "namespaceStr", joined)),
  ];
}

async function groupNamespaces(
  items: Collection<ItemDocument>,
  field: "namespace" | "namespaceStr",
  strings: readonly string[],
): Promise<string[][]> {
  const namespaces: string[][] = [];
  for (const chunk of inChunks(strings)) {
    const groups = await items
      .aggregate<{ readonly _id: string[] }>([
        { $match: { [field]: { $in: chunk } } },
        { $match: IS_ALIVE },
        { $group: { _id: "$namespace" } },
      ])
      .toArray();
    namespaces.push(...groups.map(({ _id }) => _id));
  }
  return namespaces;
}

/** Collects namespaces that fulfil the conditions, cut to the depth, each once. */
class Found {
  readonly #conditions: readonly NamespaceCondition[];
  readonly #maxDepth: number | undefined;
  readonly #namespaces = new Map<string, string[]>();

  constructor(conditions: readonly NamespaceCondition[], maxDepth: number | undefined) {
    this.#conditions = conditions;
    this.#maxDepth = maxDepth;
  }

  add(namespace: readonly string[]): void {
    if (!this.#conditions.every((condition) => fulfils(namespace, condition))) return;
    const cut = namespace.slice(0, this.#maxDepth);
    this.#namespaces.set(JSON.stringify(cut), cut);
  }

  sorted(): string[][] {
    return Array.from(this.#namespaces.values(), (namespace) => ({
      namespace,
      joined: joinLabels(namespace),
    }))
      .toSorted(
        (a, b) => compareText(a.joined, b.joined) || b.namespace.length - a.namespace.length,
      )
      .map(({ namespace }) => namespace);
  }

  /** The joined labels of the last namespace that is needed; undefined if all are. */
  lastOf(count: number): string | undefined {
    // A namespace that is cut may come before the one it was cut from.
    if (this.#maxDepth !== undefined || this.#namespaces.size < count) return undefined;
    return joinLabels(this.sorted()[count - 1]!);
  }
}

function fulfils(namespace: readonly string[], { matchType, path }: NamespaceCondition): boolean {
  if (path.length > namespace.length) return false;
  const begin = matchType === "prefix" ? 0 : namespace.length - path.length;
  return path.every((label, index) => label === ANY_LABEL || label === namespace[begin + index]);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function* inChunks(strings: readonly string[]): Generator<string[]> {
  for (let begin = 0; begin < strings.length; begin += CHUNK) {
    yield strings.slice(begin, begin + CHUNK);
  }
}
