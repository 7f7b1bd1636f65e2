import type { Admin, ClientSession, Collection, Db, MongoClient } from "mongodb";

/**
 * The session in which writes are tried, and tried again, one after the other. A server with retryable writes takes no
 * attempt of a session that comes after a later one: one that was given up on, but is still on its way,
 * can't undo what has been stored since.
 */
export class WriteSession {
  readonly #client: MongoClient;
  #session: ClientSession | undefined;

  /**
   * @param target what the writes go to. A session has to be of the very client that it was opened on, which
   *   may be one that the user's client wraps
   */
  constructor(target: Admin | Collection | Db, client: MongoClient) {
    this.#client = (target as { readonly client?: MongoClient }).client ?? client;
  }

  async run<T>(attempt: (session: ClientSession) => Promise<T>): Promise<T> {
    // A client that is closed ends its sessions; it may have been connected again since.
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
   * Leaves the session to an attempt that is not waited for any more: the driver may be about to send
   * it anew, and would do so under the number of what else is sent in this session.
   */
  leave(): void {
    this.#session = undefined;
  }

  async end(): Promise<void> {
    await this.#session?.endSession();
    this.#session = undefined;
  }
}
