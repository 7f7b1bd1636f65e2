/** A server program found on this machine, not yet running. */
export interface ServerProgram {
  /** How people know it, for instance `mongod at /usr/bin/mongod`. */
  readonly name: string;
  /** Works out one start of it. Called again for each attempt. */
  plan(options: PlanOptions): Promise<LaunchPlan>;
}

export interface PlanOptions {
  /** The server's own directory. It does not exist yet; the supervisor makes and removes it. */
  readonly directory: string;
  /** Seconds between two sweeps of the TTL monitor; without it the server's default (60). */
  readonly ttlSweepSeconds?: number;
}

/** Everything needed to start a server once. */
export interface LaunchPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** Files to write into the server's directory first, text by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** The port, once the server's log says that it listens. */
  readonly readPort: (log: string) => number | undefined;
  /** Set for a server that has to be told to become a replica set of one. */
  readonly initiateReplicaSet?: string;
}
