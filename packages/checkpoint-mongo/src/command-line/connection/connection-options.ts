/** The options of every command: where the threads are, and how the program speaks. */
export interface ConnectionOptions {
  readonly uri?: string | undefined;
  readonly db?: string | undefined;
  readonly collectionPrefix?: string | undefined;
  readonly checkpointCollection?: string | undefined;
  readonly writesCollection?: string | undefined;
  readonly config?: string | undefined;
  /** A directory, or the URL of a bucket of S3. */
  readonly archiveStore?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

/** Names of variables of the environment. */
export const ENVIRONMENT = {
  uri: "MONGODB_URI",
  db: "THREADKEEP_DB",
  config: "THREADKEEP_CONFIG",
  archiveStore: "THREADKEEP_ARCHIVE_STORE",
} as const;
