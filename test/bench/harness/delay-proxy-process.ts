/**
 * The program of a proxy's process: passes on whatever comes, in order, each piece `delayMs` after it
 * came. How much can be under way has no bound, so throughput has none either.
 */
import { once } from "node:events";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";

/** What such a process is told to do. It answers with the port at which it listens. */
export interface DelayOrder {
  readonly host: string;
  readonly port: number;
  /** Milliseconds in each direction. */
  readonly delayMs: number;
}

const [order] = (await once(process, "message")) as [DelayOrder];
const proxy = createServer({ allowHalfOpen: true }, (client) => {
  const { host, port } = order;
  const server = createConnection({ host, port, allowHalfOpen: true });
  passOn(client, server);
  passOn(server, client);
});
proxy.listen(0, "127.0.0.1");
await once(proxy, "listening");
process.send?.((proxy.address() as AddressInfo).port);
process.on("disconnect", () => process.exit(0));

function passOn(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  const queue = new DelayQueue(order.delayMs);
  from.on("data", (piece) => queue.add(() => to.write(piece)));
  from.on("end", () => queue.add(() => to.end()));
  from.on("error", () => to.destroy());
  from.on("close", () => queue.add(() => to.destroy()));
}

/** Does what it is given in the order in which it came, each some time after it came. */
class DelayQueue {
  readonly #delayMs: number;
  readonly #waiting: { readonly dueMs: number; readonly act: () => void }[] = [];

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  add(act: () => void): void {
    this.#waiting.push({ dueMs: performance.now() + this.#delayMs, act });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    const remainingMs = next.dueMs - performance.now();
    // Timers know whole milliseconds only.
    if (remainingMs < 1) setImmediate(() => this.#actOnDue());
    else setTimeout(() => this.#actOnDue(), Math.floor(remainingMs));
  }

  #actOnDue(): void {
    const now = performance.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].dueMs <= now) {
      this.#waiting.shift()?.act();
    }
    this.#wait();
  }
}
