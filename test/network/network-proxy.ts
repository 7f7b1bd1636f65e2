import { once } from "node:events";
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a network can do to a request or its reply, once. */
export const CUTS = [
  "lost request",
  "half request",
  "closed while sending",
  "lost reply",
  "half reply",
] as const;

export type Cut = (typeof CUTS)[number];

/** What a command begins with in BSON: its name, with a value that is a text. */
export function nameCommand(name: string): Buffer {
  return Buffer.from(`\x02${name}\0`);
}

/** A command that stores something. */
const UPDATE = nameCommand("update");

/** A cut that waits for its request. */
interface PendingCut {
  readonly cut: Cut;
  readonly done: (happened: boolean) => void;
}

/** What happens to the next request that holds these bytes. */
type Fault = { readonly bytes: Buffer } & (
  | PendingCut
  | { readonly cut: "held"; readonly caught: (pair: Pair) => void }
);

/** A request that was caught on its way. */
export interface HeldRequest {
  /** Resolves when there is one. */
  readonly caught: Promise<unknown>;
  /** Lets it go on to the server, though its client may be gone; resolves when the server has replied. */
  deliver(): Promise<void>;
}

/** A connection of a client, and the one to the server that belongs to it. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isBlackHole: boolean;
  /** What the client sent since its request was held. */
  held: Buffer[] | undefined;
}

/**
 * A way to a server that fails as networks do: at any time, or at a command that stores something. It
 * cuts in the middle of what it was about to pass on; nothing is ever changed, or passed on twice.
 */
export class NetworkProxy implements AsyncDisposable {
  /** The connection string of that way. */
  readonly uri: string;
  private readonly listener: Server;
  private readonly target: { readonly host: string; readonly port: number };
  private readonly pairs = new Set<Pair>();
  private delayMs = 0;
  private pausedUntil: Promise<void> | undefined;
  private faults: Fault[] = [];

  private constructor(listener: Server, uri: URL) {
    this.listener = listener;
    this.target = { host: uri.hostname, port: Number(uri.port || 27_017) };
    const through = new URL(uri);
    through.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
    // Otherwise the driver asks the server for its own address, and goes there.
    through.searchParams.delete("replicaSet");
    through.searchParams.set("directConnection", "true");
    this.uri = through.href;
    listener.on("connection", (client: Socket) => this.connect(client));
  }

  /** @param uri the server's connection string, of one host and without TLS */
  static async start(uri: string): Promise<NetworkProxy> {
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new NetworkProxy(listener, new URL(uri));
  }

  /** Everything takes so much longer in each direction from now on. */
  setLatency(delayMs: number): void {
    this.delayMs = delayMs;
  }

  /** Resets all connections. */
  reset(): number {
    const count = this.pairs.size;
    for (const pair of this.pairs) destroy(pair, "reset");
    return count;
  }

  /** Passes nothing on until the time is over, then everything, as if nothing had been. */
  async pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.pausedUntil = promise;
    setTimeout(resolve, ms);
    await promise;
    this.pausedUntil = undefined;
  }

  /**
   * Passes nothing on any more on the connections that there are, and does not close them: as where a
   * router forgot them. New ones work.
   */
  forget(): number {
    for (const pair of this.pairs) pair.isBlackHole = true;
    return this.pairs.size;
  }

  /**
   * Cuts the connection of the next command that stores something, at that command.
   *
   * @returns whether one came before the time was over
   */
  async cutAtStore(cut: Cut, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const fault: Fault = { bytes: UPDATE, cut, done: resolve };
    this.faults.push(fault);
    const timer = setTimeout(() => {
      this.faults = this.faults.filter((other) => other !== fault);
      resolve(false);
    }, withinMs);
    const happened = await promise;
    clearTimeout(timer);
    return happened;
  }

  /**
   * Loses the reply to the next request that holds these bytes, with its connection.
   *
   * @returns resolves when it is lost
   */
  async loseReply(bytes: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.faults.push({ bytes, cut: "lost reply", done: resolve });
    await promise;
  }

  /** Keeps the next request that holds these bytes from the server, and what comes after it. */
  hold(bytes: Buffer): HeldRequest {
    const { promise: caught, resolve } = Promise.withResolvers<Pair>();
    this.faults.push({ bytes, cut: "held", caught: resolve });
    return {
      caught,
      deliver: async () => {
        const { server, held } = await caught;
        server.write(Buffer.concat(held!));
        await once(server, "data");
        server.destroy();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.listener, "close");
    this.listener.close();
    for (const pair of this.pairs) destroy(pair);
    await closed;
  }

  private connect(client: Socket): void {
    const server = createConnection({ ...this.target, allowHalfOpen: true });
    const pair: Pair = { client, server, isBlackHole: false, held: undefined };
    this.pairs.add(pair);
    /** What happens to the reply, once its request was passed on. */
    let cutReply: PendingCut | undefined;
    this.passOn(pair, client, server, (request) => {
      if (pair.held !== undefined) {
        pair.held.push(request);
        return undefined;
      }
      const fault = this.takeFault(request);
      if (fault === undefined) return request;
      if (fault.cut === "held") {
        pair.held = [request];
        fault.caught(pair);
        return undefined;
      }
      if (fault.cut === "lost reply" || fault.cut === "half reply") {
        cutReply = fault;
        return request;
      }
      if (fault.cut === "closed while sending") return closeInOrder(pair, fault);
      return cutOff(pair, fault, fault.cut === "half request" ? request : undefined);
    });
    this.passOn(pair, server, client, (reply) => {
      if (cutReply === undefined) return reply;
      const pending = cutReply;
      cutReply = undefined;
      return cutOff(pair, pending, pending.cut === "half reply" ? reply : undefined);
    });
  }

  private takeFault(request: Buffer): Fault | undefined {
    const due = this.faults.find(({ bytes }) => request.includes(bytes));
    this.faults = this.faults.filter((fault) => fault !== due);
    return due;
  }

  /** @param cut says what is passed on of a piece */
  private passOn(
    pair: Pair,
    from: Socket,
    to: Socket,
    cut: (piece: Buffer) => Buffer | undefined,
  ): void {
    from.setNoDelay(true);
    // One after the other: what comes later must not get in first.
    let last = Promise.resolve();
    const inTurn = (act: () => void): void => {
      const due = performance.now() + this.delayMs;
      last = last.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        await this.pausedUntil;
        if (!pair.isBlackHole) act();
      });
    };
    from.on("data", (piece: Buffer) =>
      inTurn(() => {
        const passed = cut(piece);
        if (passed !== undefined && to.writable) to.write(passed);
      }),
    );
    // A held request outlives the connection that it came by.
    const destroyOther = (): void => {
      if (pair.held === undefined) to.destroy();
    };
    from.on("end", () =>
      inTurn(() => {
        if (pair.held === undefined) to.end();
      }),
    );
    from.on("error", destroyOther);
    from.on("close", () => {
      inTurn(destroyOther);
      if (pair.client.destroyed && pair.server.destroyed) this.pairs.delete(pair);
    });
  }
}

/** How long a server that is shutting down does not read before it says goodbye, and after it. */
const CLOSING_MS = 50;

/**
 * Says goodbye as a server does that is shut down, while the client is still sending. What the client
 * sends is taken, and goes nowhere.
 */
function closeInOrder({ client, server }: Pair, { done }: PendingCut): undefined {
  client.pause();
  // Else the client's side would be reset at once.
  server.removeAllListeners("end").removeAllListeners("close").destroy();
  setTimeout(() => {
    client.end();
    setTimeout(() => {
      client.removeAllListeners("data").resume();
      done(true);
    }, CLOSING_MS);
  }, CLOSING_MS);
}

/** Ends a connection, after the first half of a piece where there is one to be passed on. */
function cutOff(pair: Pair, { cut, done }: PendingCut, piece: Buffer | undefined): undefined {
  const half = piece?.subarray(0, piece.length >> 1);
  const to = cut.endsWith("reply") ? pair.client : pair.server;
  if (half === undefined) destroy(pair);
  else to.write(half, () => destroy(pair));
  done(true);
}

function destroy({ client, server }: Pair, how?: "reset"): void {
  for (const socket of [client, server]) {
    if (how === "reset") socket.resetAndDestroy();
    else socket.destroy();
  }
}
