import type { Admin, ClientSession, Collection, Db, MongoClient } from "mongodb";

/**
 * The session for the attempts of a write, one after the other. A server with retryable writes refuses an
 * earlier attempt of a session that arrives after a later one. So an attempt that was given up, but is still
 * on its way, cannot undo what was stored since.
 */
export class WriteSession {
  readonly #client: MongoClient;
  #session: ClientSession | undefined;

  /**
   * @param target what is written to. The session must be of the client it was opened on, which may be one
   *   that the user's client wraps
   */
  constructor(target: Admin | Collection | Db, client: MongoClient) {
    this.#client = (target as { readonly client?: MongoClient }).client ?? client;
  }

  async run<T>(attempt: (session: ClientSession) => Promise<T>): Promise<T> {
    // Closing a client ends its sessions; it may have been connected again since.
    if (this.#session === undefined || this.#session.hasEnded) {
      this.#session = this.#client.startSession({ causalConsistency: false });
    }
    const session = this.#session;
    try {
      return await attempt(session);
    } finally {
      if (session !== this.#session) await session.endSession();
    }
  }

  /**
   * Leaves the session to an attempt that was given up: the driver may send it once more, and would then use
   * the transaction number of whatever is sent in this session meanwhile.
   */
  leave(): void {
    this.#session = undefined;
  }

  async end(): Promise<void> {
    await this.#session?.endSession();
    this.#session = undefined;
  }
}
