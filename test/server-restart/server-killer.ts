import type { CommandFailedEvent, CommandStartedEvent, MongoClient } from "mongodb";
import type { RestartableServer } from "./restartable-server.ts";

/** The commands that store something. */
const STORING: ReadonlySet<string> = new Set(["update"]);

/**
 * Kills a server while it is carrying out a command that stores something, and starts it again, as
 * often as asked.
 */
export class ServerKiller implements Disposable {
  /** Resolves when the server is there again after the last kill. */
  restarted: Promise<void> = Promise.resolve();
  /** How many commands of the client got no reply. */
  cutCommands = 0;
  readonly #server: RestartableServer;
  readonly #client: MongoClient;
  readonly #points: number[];
  #commands = 0;
  #isAway = false;

  /**
   * @param client with `monitorCommands`
   * @param points which of the storing commands, counted from the start and then from each restart,
   *   the server gets killed at
   */
  constructor(server: RestartableServer, client: MongoClient, points: readonly number[]) {
    this.#server = server;
    this.#client = client;
    this.#points = [...points];
    client.on("commandStarted", this.#onStarted).on("commandFailed", this.#onFailed);
  }

  /** How many kills are still to come. */
  get left(): number {
    return this.#points.length;
  }

  [Symbol.dispose](): void {
    this.#client.off("commandStarted", this.#onStarted).off("commandFailed", this.#onFailed);
  }

  readonly #onStarted = ({ commandName }: CommandStartedEvent): void => {
    if (this.#isAway || !STORING.has(commandName)) return;
    this.#commands += 1;
    if (this.#commands === this.#points[0]) this.restarted = this.#restart();
  };

  readonly #onFailed = (_event: CommandFailedEvent): void => {
    this.cutCommands += 1;
  };

  async #restart(): Promise<void> {
    this.#isAway = true;
    this.#points.shift();
    await this.#server.kill();
    await this.#server.restart();
    this.#commands = 0;
    this.#isAway = false;
  }
}
