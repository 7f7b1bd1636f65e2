import type { Collection, Db } from "mongodb";

/** A step of a run that a worker has taken. */
export interface LedgerEntry {
  readonly run: string;
  readonly step: number;
  /** The fencing token of the worker. */
  readonly token: number;
  readonly worker: string;
  /** By the server's clock. */
  readonly at: Date;
}

/** What was done for a run, in order. */
interface Page {
  readonly _id: string;
  /** The highest token that has written. */
  readonly token: number;
  readonly entries: readonly Omit<LedgerEntry, "run">[];
}

const DUPLICATE_KEY = 11_000;

/**
 * An outside system that honours fencing tokens, as one should that a worker must not write to that was paused past its
 * lease: it refuses whoever comes with an older token than it has seen.
 */
export class Ledger {
  readonly #pages: Collection<Page>;
  readonly #refused: Collection;

  constructor(db: Db) {
    this.#pages = db.collection("ledger");
    this.#refused = db.collection("refused");
  }

  /** @throws Error if a newer worker has written */
  async write({ run, step, token, worker }: Omit<LedgerEntry, "at">): Promise<void> {
    const entry = { step, token, worker, at: "$$NOW" };
    const entries = { $concatArrays: [{ $ifNull: ["$entries", []] }, [entry]] };
    try {
      await this.#pages.updateOne(
        { _id: run, token: { $lte: token } },
        [{ $set: { token, entries } }],
        { upsert: true },
      );
    } catch (error) {
      if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
      await this.#refused.insertOne({ run, ...entry });
      throw new Error(`Token ${token} of run ${run} is outdated.`, { cause: error });
    }
  }

  /** All entries, those of a run in the order in which they were written. */
  async read(): Promise<LedgerEntry[]> {
    const pages = await this.#pages.find().toArray();
    return pages.flatMap(({ _id: run, entries }) => entries.map((entry) => ({ run, ...entry })));
  }

  countRefused(): Promise<number> {
    return this.#refused.countDocuments();
  }
}
