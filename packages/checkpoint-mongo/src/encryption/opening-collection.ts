import type { Collection, Document } from "mongodb";
import type { ThreadEncryption } from "./thread-encryption.ts";

/** What a cursor has that this package uses. */
interface DriverCursor extends AsyncIterable<Document> {
  sort(sort: Document): unknown;
  limit(limit: number): unknown;
  batchSize(size: number): unknown;
  project(projection: Document): unknown;
  toArray(): Promise<Document[]>;
  close(): Promise<void>;
}

type Call = (...parameters: unknown[]) => unknown;

/** A collection that gives its documents decrypted, whichever way they are read. */
export function openingCollection(
  collection: Collection,
  encryption: ThreadEncryption,
): Collection {
  return new Proxy(collection, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      const call = member as Call;
      switch (property) {
        case "find":
        case "aggregate":
          return (...parameters: unknown[]) =>
            new OpeningCursor(call(...parameters) as DriverCursor, encryption);
        case "findOne":
        case "findOneAndUpdate":
          return async (...parameters: unknown[]) => {
            const document = (await call(...parameters)) as Document | null;
            return document && encryption.openDocument(document);
          };
        default:
          return call;
      }
    },
  });
}

/** A cursor whose documents come decrypted. */
class OpeningCursor implements AsyncIterable<Document> {
  readonly #cursor: DriverCursor;
  readonly #encryption: ThreadEncryption;

  constructor(cursor: DriverCursor, encryption: ThreadEncryption) {
    this.#cursor = cursor;
    this.#encryption = encryption;
  }

  sort(sort: Document): this {
    this.#cursor.sort(sort);
    return this;
  }

  limit(limit: number): this {
    this.#cursor.limit(limit);
    return this;
  }

  batchSize(size: number): this {
    this.#cursor.batchSize(size);
    return this;
  }

  project(projection: Document): this {
    this.#cursor.project(projection);
    return this;
  }

  async toArray(): Promise<Document[]> {
    return this.#encryption.openDocuments(await this.#cursor.toArray());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Document> {
    for await (const document of this.#cursor) yield this.#encryption.openDocument(document);
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }
}
