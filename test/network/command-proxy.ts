import type { Document } from "mongodb";
import { once } from "node:events";
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import {
  changeCommand,
  MessageCutter,
  readMessage,
  writeReply,
  type WireMessage,
} from "./wire-message.ts";

/** Sends a command to the server, and gives what it replies. */
export type Send = (command: Document) => Promise<Document>;

/** Thrown by a {@link Handle}, it breaks the connection that the command came by. */
export class ConnectionLost extends Error {}

/** Whether the driver sends a command by itself. */
export function isOfDriver(command: Document): boolean {
  return ["hello", "ismaster", "endSessions"].some((name) => name in command);
}

/**
 * Takes a command in the server's place, and gives the reply. It may wait, change either of them, send
 * other commands, or none, or break the connection.
 *
 * Values are as the driver has them without `promoteValues`: a number is an object of BSON.
 */
export type Handle = (command: Document, send: Send) => Promise<Document>;

/**
 * Stands between clients and a server, and hands each command to a function of the test's: what no
 * server can be brought to do when it is due, it does, and the driver sees nothing else.
 */
export class CommandProxy implements AsyncDisposable {
  /** The connection string by which clients reach it. */
  readonly uri: string;
  readonly #listener: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #handle: Handle;
  readonly #sockets = new Set<Socket>();
  /** What a handler threw that is not a lost connection. */
  readonly #failures: unknown[] = [];

  private constructor(listener: Server, uri: URL, handle: Handle) {
    this.#listener = listener;
    this.#target = { host: uri.hostname, port: Number(uri.port || 27_017) };
    this.#handle = handle;
    const through = new URL(uri);
    through.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
    // Otherwise the driver asks the server for its own address, and goes there.
    through.searchParams.delete("replicaSet");
    through.searchParams.set("directConnection", "true");
    // One reply to each request.
    through.searchParams.set("serverMonitoringMode", "poll");
    this.uri = through.href;
    listener.on("connection", (client: Socket) => this.#connect(client));
  }

  /** @param uri the server's connection string, of one host and without TLS */
  static async start(uri: string, handle: Handle): Promise<CommandProxy> {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new CommandProxy(listener, new URL(uri), handle);
  }

  /** @throws what a handler threw that is not a {@link ConnectionLost} */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #connect(client: Socket): void {
    const server = createConnection(this.#target);
    const link = new ServerLink(server);
    const cutter = new MessageCutter();
    const end = (): void => {
      client.destroy();
      server.destroy();
      link.end();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end).on("close", () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on("data", (piece: Buffer) => {
      for (const bytes of cutter.take(piece)) {
        this.#answer(readMessage(bytes), link).then(
          (reply) => {
            if (reply !== undefined && client.writable) client.write(reply);
          },
          (error: unknown) => {
            if (!(error instanceof ConnectionLost)) this.#failures.push(error);
            end();
          },
        );
      }
    });
  }

  /** @returns nothing where the server sends no reply */
  async #answer(request: WireMessage, link: ServerLink): Promise<Buffer | undefined> {
    if (request.isOneWay) {
      link.sendOneWay(request);
      return undefined;
    }
    const unchanged = new Map<Document, Buffer>();
    const reply = await this.#handle(request.document, async (command) => {
      const bytes = command === request.document ? request.bytes : changeCommand(request, command);
      const replied = await link.send(request.requestId, bytes);
      unchanged.set(replied.document, replied.bytes);
      return replied.document;
    });
    return unchanged.get(reply) ?? writeReply(request, reply);
  }
}

/** A connection to the server. */
class ServerLink {
  readonly #server: Socket;
  readonly #waiting = new Map<number, PromiseWithResolvers<WireMessage>>();

  constructor(server: Socket) {
    this.#server = server;
    const cutter = new MessageCutter();
    server.on("data", (piece: Buffer) => {
      for (const bytes of cutter.take(piece)) {
        const reply = readMessage(bytes);
        this.#waiting.get(reply.responseTo)?.resolve(reply);
        this.#waiting.delete(reply.responseTo);
      }
    });
  }

  async send(requestId: number, bytes: Buffer): Promise<WireMessage> {
    const waiting = Promise.withResolvers<WireMessage>();
    this.#waiting.set(requestId, waiting);
    this.#server.write(bytes);
    return waiting.promise;
  }

  sendOneWay({ bytes }: WireMessage): void {
    this.#server.write(bytes);
  }

  /** Lets nobody wait for a server that has stopped. */
  end(): void {
    for (const { reject } of this.#waiting.values()) reject(new ConnectionLost());
    this.#waiting.clear();
  }
}
