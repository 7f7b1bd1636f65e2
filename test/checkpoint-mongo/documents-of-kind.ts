import type { Collection, Document } from "mongodb";
import type { SentUpdate } from "./send-in-parts.ts";

/** What a document of a saver's collection is. */
export type Kind = "thread" | "checkpoint" | "segment" | "writes";

type Method = (...parameters: unknown[]) => unknown;

/** Methods that take a filter first. */
const FILTERED: ReadonlySet<unknown> = new Set([
  "find",
  "findOne",
  "findOneAndUpdate",
  "countDocuments",
  "updateOne",
  "updateMany",
  "replaceOne",
  "deleteOne",
  "deleteMany",
]);

/**
 * The documents of one kind, as if they had a collection of their own. Methods that it cannot keep to
 * the kind are refused.
 */
export function narrowToKind<T extends Document>(
  collection: Collection<T>,
  kind: Kind,
): Collection<T> {
  return new Proxy(collection, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== "function") return found;
      const call = found.bind(target) as Method;
      if (FILTERED.has(name)) {
        return (filter: object = {}, ...rest: unknown[]) => call({ ...filter, kind }, ...rest);
      }
      if (name === "insertOne") {
        return (document: object, ...rest: unknown[]) => call({ ...document, kind }, ...rest);
      }
      if (name === "aggregate") {
        return (stages: readonly object[] = [], ...rest: unknown[]) =>
          call([{ $match: { kind } }, ...stages], ...rest);
      }
      throw new Error(`${String(name)} does not know of kinds of documents.`);
    },
  });
}

/** The kind of document that an update is about, which its filter names, or what it inserts. */
export function kindOf({ q, u }: SentUpdate): Kind {
  const kind = (q["kind"] ?? u["$setOnInsert"]?.["kind"]) as Kind | undefined;
  if (kind === undefined) throw new Error("An update names no kind of document.");
  return kind;
}
