import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A request takes so long before it acts, and then before it answers, in ms. */
const PAUSE_MS = 3;

/** The world that tools act upon. It counts how often they do. */
export class ActServer implements AsyncDisposable {
  /** The threads that have acted, once for each time. */
  readonly acts: string[] = [];
  /** Told before something is done, and after it. */
  onMoment: ((moment: "begun" | "acted") => void) | undefined;
  readonly #server = createServer((request, response) => {
    void (async () => {
      let threadId = "";
      for await (const piece of request) threadId += String(piece);
      this.onMoment?.("begun");
      await sleep(PAUSE_MS);
      // Who asked may be dead. It acts all the same.
      this.acts.push(threadId);
      this.onMoment?.("acted");
      await sleep(PAUSE_MS);
      response.end();
    })();
  });

  static async start(): Promise<ActServer> {
    const server = new ActServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/acts`;
  }

  /** How often a thread has acted. */
  count(threadId: string): number {
    return this.acts.filter((other) => other === threadId).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }
}
