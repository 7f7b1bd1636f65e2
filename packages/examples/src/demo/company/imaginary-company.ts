import { createHash } from "node:crypto";
import type { Collection, Db } from "mongodb";
import type { Evidence } from "../agent/state.ts";
import type { Action, ActionArguments, Company } from "./company.ts";
import { EVIDENCE } from "./evidence.ts";

/** An order that the company has carried out. */
export interface Order {
  readonly _id: string;
  readonly thread_id: string;
  readonly action: Action;
  readonly args: ActionArguments;
  readonly result: string;
  /** How often it was given. It is carried out once. */
  readonly given: number;
}

/** A company that does nothing but keep a ledger, in a collection of the database. */
export class ImaginaryCompany implements Company {
  readonly #orders: Collection<Order>;
  readonly #threadId: string;

  constructor(db: Db, threadId: string) {
    this.#orders = db.collection("orders");
    this.#threadId = threadId;
  }

  async collectEvidence(): Promise<Evidence[]> {
    return [...EVIDENCE];
  }

  /** The key of the order is the key of its document, so an order is there once. */
  async act(action: Action, args: ActionArguments, key: string): Promise<string> {
    const order = await this.#orders.findOneAndUpdate(
      { _id: key },
      {
        $setOnInsert: {
          thread_id: this.#threadId,
          action,
          args,
          result: carryOut(action, args, key),
        },
        $inc: { given: 1 },
      },
      { upsert: true, returnDocument: "after" },
    );
    return order!.result;
  }

  /** What this thread has had done. */
  readLedger(): Promise<Order[]> {
    return this.#orders.find({ thread_id: this.#threadId }).toArray();
  }
}

/** The result follows from the order alone, so two runs of the same job can be compared. */
export function carryOut(action: Action, args: ActionArguments, key: string): string {
  switch (action) {
    case "open_incident":
      return `INC-${(createHash("sha256").update(JSON.stringify(args)).digest().readUInt16BE() % 9000) + 1000}`;
    case "post_update":
      return "posted on the status page";
    case "roll_back":
      return `${String(args["service"])} is back on ${String(args["release"])}, 100 % of traffic`;
    case "check_recovery":
      return `${String(args["service"])}: p99 320 ms, errors 0.1 %, objectives met for 60 s`;
    case "publish_report":
      return `published as report ${key.split("/").at(-1)}`;
  }
}
