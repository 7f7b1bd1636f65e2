import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What a command begins with in BSON: its name, with a value that is a text. */
export function nameCommand(name: string): Buffer {
  return Buffer.from(`\x02${name}\0`);
}

/** A request that was caught on its way. */
export interface HeldRequest {
  /** Resolves when there is one. */
  readonly caught: Promise<void>;
  /** Lets it go on to the server, though its client may be gone; resolves when the server has replied. */
  deliver(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  isFrozen: boolean;
  hold: { readonly requests: Buffer[]; isDelivered: boolean } | undefined;
  losesReply: boolean;
}

/** What happens to the next request that holds these bytes. */
interface Fault {
  readonly bytes: Buffer;
  readonly happen: (connection: Connection) => void;
}

/** A network between a client and a server, whose faults are chosen. */
export class FaultyNetwork implements AsyncDisposable {
  readonly uri: string;
  /** Replies that were lost. */
  lostReplies = 0;
  readonly #proxy: Server;
  readonly #connections = new Set<Connection>();
  #faults: Fault[] = [];

  private constructor(proxy: Server, uri: string) {
    this.#proxy = proxy;
    this.uri = uri;
  }

  static async before(serverUri: string): Promise<FaultyNetwork> {
    const { hostname, port, pathname, searchParams } = new URL(serverUri);
    const proxy = createServer();
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    searchParams.delete("replicaSet");
    searchParams.set("directConnection", "true");
    const ownPort = (proxy.address() as AddressInfo).port;
    const uri = `mongodb://127.0.0.1:${ownPort}${pathname}?${searchParams}`;
    const network = new FaultyNetwork(proxy, uri);
    proxy.on("connection", (client) => network.#join(client, connect(Number(port), hostname)));
    return network;
  }

  /** Leaves all connections of now half-open: nothing comes through, and no end of them either. */
  freeze(): void {
    for (const connection of this.#connections) connection.isFrozen = true;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const { client } of this.#connections) client.resetAndDestroy();
  }

  /** Loses the reply to the next request that holds these bytes, and breaks its connection. */
  loseReply(bytes: Buffer): void {
    this.#faults.push({ bytes, happen: (connection) => void (connection.losesReply = true) });
  }

  /** Keeps the next request that holds these bytes from its server. */
  hold(bytes: Buffer): HeldRequest {
    const { promise: caught, resolve } = Promise.withResolvers<void>();
    let holding: Connection | undefined;
    this.#faults.push({
      bytes,
      happen: (connection) => {
        holding = connection;
        connection.hold = { requests: [], isDelivered: false };
        resolve();
      },
    });
    return {
      caught,
      deliver: async () => {
        await caught;
        const { server, hold } = holding!;
        hold!.isDelivered = true;
        server.write(Buffer.concat(hold!.requests));
        await once(server, "data");
        server.destroy();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#connections) {
      client.destroy();
      server.destroy();
    }
    this.#proxy.close();
    await once(this.#proxy, "close");
  }

  #join(client: Socket, server: Socket): void {
    const connection: Connection = {
      client,
      server,
      isFrozen: false,
      hold: undefined,
      losesReply: false,
    };
    this.#connections.add(connection);
    client.on("data", (request) => this.#takeRequest(connection, request));
    server.on("data", (reply) => this.#takeReply(connection, reply));
    const end = (other: Socket) => () => {
      // A held request outlives the connection that it came by.
      if (connection.hold === undefined) other.destroy();
      else client.destroy();
    };
    client.on("error", end(server)).on("close", end(server));
    server.on("error", end(client)).on("close", end(client));
  }

  #takeRequest(connection: Connection, request: Buffer): void {
    const fault = this.#faults.find(({ bytes }) => request.includes(bytes));
    if (fault !== undefined && !connection.isFrozen) {
      this.#faults = this.#faults.filter((other) => other !== fault);
      fault.happen(connection);
    }
    if (connection.hold !== undefined) connection.hold.requests.push(request);
    else if (!connection.isFrozen) connection.server.write(request);
  }

  #takeReply(connection: Connection, reply: Buffer): void {
    if (connection.losesReply) {
      this.lostReplies += 1;
      connection.client.destroy();
    } else if (!connection.isFrozen && connection.hold === undefined) {
      connection.client.write(reply);
    }
  }
}
