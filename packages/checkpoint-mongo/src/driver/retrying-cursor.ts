import type { AbstractCursor, Document, Filter } from "mongodb";
import type { Operation } from "./retry-policy.ts";

/** What this package uses of a cursor. */
export interface Cursor<T> extends AsyncIterable<T> {
  toArray(): Promise<T[]>;
  close(): Promise<void>;
}

/** Modifiers of a query that has not been sent yet. */
interface Modifiers {
  readonly sort: Document | undefined;
  readonly limit: number | undefined;
  readonly others: readonly ((cursor: DriverCursor) => void)[];
}

/** A cursor of any kind; those of aggregations have fewer modifiers. */
type DriverCursor = AbstractCursor<Document> & {
  sort(sort: Document): unknown;
  limit(limit: number): unknown;
  batchSize(size: number): unknown;
  project(projection: Document): unknown;
};

/** How a cursor queries the server. */
export interface Query {
  readonly name: string;
  /** Undefined for an aggregation, which can only start from the beginning. */
  readonly filter: Filter<Document> | undefined;
  readonly sort: Document | undefined;
  readonly limit: number | undefined;
  /** Opens a cursor of the driver. */
  readonly open: (filter: Filter<Document> | undefined, limit: number | undefined) => object;
  readonly run: <T>(operation: Pick<Operation<T>, "name" | "attempt" | "onRetry">) => Promise<T>;
}

/**
 * A cursor that continues after a failure: the query is sent again, from the last value of its order on, and
 * documents that were returned already are left out. So no document comes twice. Documents that are deleted
 * or added meanwhile may or may not be seen, as with any cursor.
 */
export class RetryingCursor implements Cursor<Document> {
  readonly #query: Query;
  #modifiers: Modifiers;
  #open: DriverCursor | undefined;

  constructor(query: Query) {
    this.#query = query;
    this.#modifiers = { sort: query.sort, limit: query.limit, others: [] };
  }

  sort(sort: Document): this {
    this.#modifiers = { ...this.#modifiers, sort };
    return this;
  }

  limit(limit: number): this {
    this.#modifiers = { ...this.#modifiers, limit };
    return this;
  }

  batchSize(size: number): this {
    return this.#modify((cursor) => cursor.batchSize(size));
  }

  project(projection: Document): this {
    return this.#modify((cursor) => cursor.project(projection));
  }

  toArray(): Promise<Document[]> {
    const { name, run } = this.#query;
    return run({ name, attempt: () => this.#start(undefined).toArray() });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Document> {
    const { name, run } = this.#query;
    const progress = new Progress(this.#modifiers.sort);
    const onRetry = () => void this.close();
    try {
      for (;;) {
        const cursor = await run({ name, onRetry, attempt: () => this.#fill(progress) });
        const documents = cursor.readBufferedDocuments();
        if (documents.length === 0) return;
        for (const document of documents) if (progress.isNew(document)) yield document;
      }
    } finally {
      await this.close();
    }
  }

  /** Never fails: the server closes a forgotten cursor by itself. */
  async close(): Promise<void> {
    const cursor = this.#open;
    this.#open = undefined;
    await cursor?.close().catch(() => undefined);
  }

  /** @returns the cursor with the next documents in its buffer, or with none at the end */
  async #fill(progress: Progress): Promise<DriverCursor> {
    const cursor = (this.#open ??= this.#start(progress));
    await cursor.hasNext();
    return cursor;
  }

  #start(progress: Progress | undefined): DriverCursor {
    const { filter, open } = this.#query;
    const { sort, limit, others } = this.#modifiers;
    const rest = filter && (progress?.narrow(filter) ?? filter);
    const left = limit && limit - (rest === filter ? 0 : progress!.passed);
    const cursor = open(rest, left) as DriverCursor;
    if (sort !== undefined && filter !== undefined) cursor.sort(sort);
    for (const modify of others) modify(cursor);
    return cursor;
  }

  #modify(modify: (cursor: DriverCursor) => void): this {
    const { others } = this.#modifiers;
    this.#modifiers = { ...this.#modifiers, others: [...others, modify] };
    return this;
  }
}

/** How far a cursor has read. */
class Progress {
  /** The first field of the order, and its direction. */
  readonly #field: string | undefined;
  readonly #isDescending: boolean;
  /** The ids of the documents with the last value, and of those whose value cannot be compared. */
  readonly #given = new Set<string>();
  readonly #givenWithout = new Set<string>();
  #value: string | number | undefined;
  /** How many documents came before that value. */
  #passed = 0;

  constructor(sort: Document | undefined) {
    const [first] = Object.entries(sort ?? {});
    this.#field = first?.[0];
    this.#isDescending = first?.[1] === -1;
  }

  /** How many of the returned documents are not queried again. */
  get passed(): number {
    return this.#passed;
  }

  /** Notes that a document is returned. False if it was returned before. */
  isNew(document: Document): boolean {
    // Documents are told apart by it.
    if (!("_id" in document)) throw new Error("A projection must not leave out _id.");
    // Binary and ObjectId have a JSON of their own.
    const id = JSON.stringify(document["_id"]);
    const value: unknown = this.#field === undefined ? undefined : document[this.#field];
    if (!this.#isComparable(value)) return addNew(this.#givenWithout, id);
    if (value !== this.#value) {
      this.#passed += this.#given.size;
      this.#given.clear();
      this.#value = value;
    }
    return addNew(this.#given, id);
  }

  /** The filter for the remaining documents and those with the last value. */
  narrow(filter: Filter<Document>): Filter<Document> {
    if (this.#field === undefined || this.#value === undefined) return filter;
    // Not $lte or $gte: those leave out documents without the field.
    const beyond = { [this.#isDescending ? "$gt" : "$lt"]: this.#value };
    return { $and: [filter, { [this.#field]: { $not: beyond } }] };
  }

  #isComparable(value: unknown): value is string | number {
    return this.#value === undefined
      ? typeof value === "string" || typeof value === "number"
      : typeof value === typeof this.#value;
  }
}

function addNew(ids: Set<string>, id: string): boolean {
  const { size } = ids;
  return ids.add(id).size > size;
}
