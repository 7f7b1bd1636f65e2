import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import type { MongoClient } from "mongodb";
import { COLLECTION } from "../../checkpoint-mongo/collection-name.ts";
import { asNewProcess } from "../../checkpoint-mongo/new-process.ts";
import type { OpenSaver } from "./examine.ts";
import type { Variant } from "./threads.ts";

/** What the savers of a process share grows. A new process now and then keeps it small. */
const SAVERS_PER_PROCESS = 500;

/** The server removes nothing in the next 68 years. It is the longest time of a TTL index. */
const NEVER_SECONDS = 2 ** 31 - 1;

/**
 * Opens savers that remember nothing, on a collection from which the server removes nothing by itself. Otherwise a
 * document with a damaged date could vanish at any moment, and nobody could tell who had removed it.
 */
export class FreshSavers {
  private readonly client: MongoClient;
  private readonly dbName: string;
  private readonly variant: Variant;
  private process: MongoClient;
  private opened = 0;
  private openedBefore = 0;

  private constructor(client: MongoClient, dbName: string, variant: Variant) {
    this.client = client;
    this.dbName = dbName;
    this.variant = variant;
    this.process = asNewProcess(client);
  }

  static async start(client: MongoClient, dbName: string, variant: Variant): Promise<FreshSavers> {
    const savers = new FreshSavers(client, dbName, variant);
    await savers.setUp();
    return savers;
  }

  readonly open: OpenSaver = (settings: MongoDBSaverSettings = {}) => {
    this.opened += 1;
    // What is remembered is remembered for a bound: with one of its own, a saver knows nothing.
    const cacheMaxBytes = 16_000_000 + this.opened;
    const { process: client, dbName, variant } = this;
    return new MongoDBSaver(
      { client, dbName, cacheMaxBytes, ...variant.settings, ...settings },
      variant.serde,
    );
  };

  /** Goes on in a new process, if the present one has opened many. */
  async renew(): Promise<void> {
    if (this.opened - this.openedBefore >= SAVERS_PER_PROCESS) await this.restart();
  }

  /** Goes on in a new process. */
  async restart(): Promise<void> {
    this.openedBefore = this.opened;
    this.process = asNewProcess(this.client);
    await this.setUp();
  }

  /** Each process does it once. Its first saver would set the time of the TTL index back otherwise. */
  private async setUp(): Promise<void> {
    await this.open().setup();
    await this.client.db(this.dbName).command({
      collMod: COLLECTION,
      index: { name: "expiry", expireAfterSeconds: NEVER_SECONDS },
    });
  }
}
