import type { Collection, Db } from "mongodb";
import type {
  CheckpointDocument,
  SegmentDocument,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import type { BinaryClass } from "../driver/binary-class.ts";
import { openCollection } from "../driver/open-database.ts";
import type { ServerClock } from "../driver/server-clock.ts";
import type { CommitQueue } from "./group-commit.ts";
import { openingCollection } from "../encryption/opening-collection.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import type { ServerFeatures } from "./server-features.ts";

/** What a store is made of. */
export interface StoreParts {
  /** Opened with the options of this package; see {@link openDatabase}. */
  readonly db: Db;
  /** The name of the collection. */
  readonly name: string;
  /** The class of the user's driver. */
  readonly Binary: BinaryClass;
  /** Carries out all writes of steps. */
  readonly commits: CommitQueue;
  readonly clock: ServerClock;
  readonly features: ServerFeatures;
  /** Undefined if documents lie in clear text. */
  readonly encryption: ThreadEncryption | undefined;
}

/**
 * Where a saver keeps its threads: one collection on the user's server. All of a thread's documents
 * lie in one collection, because a command writes to one collection only, and a step is one command.
 * Every filter names the kind of document, or a field that only one kind has.
 */
export class Store {
  readonly db: Db;
  /** Documents of every kind. What is encrypted of them comes decrypted. */
  readonly all: Collection;
  readonly Binary: BinaryClass;
  readonly commits: CommitQueue;
  readonly features: ServerFeatures;
  /** Undefined if documents lie in clear text. */
  readonly encryption: ThreadEncryption | undefined;
  readonly #name: string;
  readonly #clock: ServerClock;

  constructor({ db, name, Binary, commits, clock, features, encryption }: StoreParts) {
    this.#name = name;
    this.db = db;
    const all = openCollection(db, name);
    this.all = encryption === undefined ? all : openingCollection(all, encryption);
    this.encryption = encryption;
    this.Binary = Binary;
    this.commits = commits;
    this.features = features;
    this.#clock = clock;
  }

  // One object of the driver for all kinds: each would take memory, and every request may make a saver.

  get threads(): Collection<ThreadDocument> {
    return this.all as unknown as Collection<ThreadDocument>;
  }

  get checkpoints(): Collection<CheckpointDocument> {
    return this.all as unknown as Collection<CheckpointDocument>;
  }

  get segments(): Collection<SegmentDocument> {
    return this.all as unknown as Collection<SegmentDocument>;
  }

  get writes(): Collection<WriteSetDocument> {
    return this.all as unknown as Collection<WriteSetDocument>;
  }

  /** The same store, whose chains are handed to somebody else. */
  withCommits(commits: CommitQueue): Store {
    const name = this.#name;
    return new Store({
      db: this.db,
      name,
      Binary: this.Binary,
      commits,
      clock: this.#clock,
      features: this.features,
      encryption: this.encryption,
    });
  }

  /** The server's time as this process reckons it. No command is sent. */
  estimateTime(): number {
    return this.#clock.nowMs();
  }

  /** The server's time, from the server. What has expired by then has expired for sure. */
  askTime(): Promise<number> {
    return this.#clock.ask(this.db);
  }

  /** Makes sure that {@link Store.estimateTime} is close to the server's time. Costs a command now and then. */
  syncTime(): Promise<void> {
    return this.#clock.sync(this.db);
  }
}
