import type { Collection, Db } from "mongodb";
import type { Action } from "./orders.ts";

/** What was done for a run. */
export interface Page {
  readonly _id: string;
  /** The highest fencing token that has come. */
  readonly token: number;
  /** Each action that was done, with the token it was done under. */
  readonly done: Readonly<Partial<Record<Action, number>>>;
  /** How often an action was asked for again that was done already. */
  readonly repeated: number;
}

const DUPLICATE_KEY = 11_000;

/**
 * It stands for the systems that your nodes change: a payment provider, a shop. It does two things that make a crash
 * harmless, and most real ones can do them:
 *
 * - An action is known by its run and its name. If it is asked for again, it is not done again.
 * - A fencing token that is older than one it has seen is refused: that worker was paused, and another has its run.
 */
export class Ledger {
  readonly #pages: Collection<Page>;
  readonly #refused: Collection<{ readonly run: string }>;

  constructor(db: Db) {
    this.#pages = db.collection("ledger");
    this.#refused = db.collection("ledger_refused");
  }

  /** @throws Error if another worker has the run since */
  async act(run: string, action: Action, token: number): Promise<void> {
    const before = { $ifNull: [`$done.${action}`, null] };
    const change = {
      token,
      [`done.${action}`]: { $ifNull: [`$done.${action}`, token] },
      repeated: {
        $add: [{ $ifNull: ["$repeated", 0] }, { $cond: [{ $eq: [before, null] }, 0, 1] }],
      },
    };
    try {
      await this.#pages.updateOne({ _id: run, token: { $lte: token } }, [{ $set: change }], {
        upsert: true,
      });
    } catch (error) {
      if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
      await this.#refused.insertOne({ run });
      throw new Error(`Token ${token} of ${run} is outdated.`, { cause: error });
    }
  }

  read(): Promise<Page[]> {
    return this.#pages.find().toArray();
  }

  countRefused(): Promise<number> {
    return this.#refused.countDocuments();
  }
}
