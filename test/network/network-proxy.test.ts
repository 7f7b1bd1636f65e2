import { once } from "node:events";
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nameCommand, NetworkProxy, type Cut } from "./network-proxy.ts";

/** What a storing command has in it, and some more. */
const STORE = Buffer.from(`before\x02update\0${"after".repeat(20)}`);
const REPLY = Buffer.from("done".repeat(10));

let server: Server;
let uri: string;
/** What the server got on its newest connection. */
let received = Buffer.alloc(0);

beforeAll(async () => {
  server = createServer((socket) => {
    received = Buffer.alloc(0);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      socket.write(REPLY);
    });
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  uri = `mongodb://127.0.0.1:${(server.address() as AddressInfo).port}/?replicaSet=rs0`;
});

afterAll(() => void server.close());

/** A connection, and what came by it until it was closed, or as far as it has come. */
async function open(proxy: NetworkProxy) {
  const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(proxy.uri).port) });
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(piece)).on("error", () => {});
  await once(socket, "connect");
  return { socket, read: () => Buffer.concat(pieces) };
}

/** Sends a request and waits for its reply. */
async function exchange({ socket, read }: { socket: Socket; read: () => Buffer }, request: Buffer) {
  const before = read().length;
  socket.write(request);
  while (read().length < before + REPLY.length) await once(socket, "data");
}

describe("the network that fails", () => {
  it("passes on everything while nothing is wrong, to the server alone", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connection = await open(proxy);
    await exchange(connection, STORE);
    expect(received.equals(STORE)).toBe(true);
    expect(connection.read().equals(REPLY)).toBe(true);
    expect(Object.fromEntries(new URL(proxy.uri).searchParams)).toEqual({
      directConnection: "true",
    });
  });

  it.each<[Cut, sent: number, replied: number]>([
    ["lost request", 0, 0],
    ["half request", STORE.length / 2, 0],
    ["closed while sending", 0, 0],
    ["lost reply", STORE.length, 0],
    ["half reply", STORE.length, REPLY.length / 2],
  ])(
    "%s: the server gets so much of it, and the client so much of the reply",
    async (cut, sent, replied) => {
      await using proxy = await NetworkProxy.start(uri);
      const connection = await open(proxy);
      // What stores nothing is left alone.
      const happened = proxy.cutAtStore(cut, 10_000);
      await exchange(connection, Buffer.from("hello"));
      const closed = once(connection.socket, "close");
      connection.socket.write(STORE);
      await closed;
      expect(await happened).toBe(true);
      // The server's end may be told later.
      await expect.poll(() => received.length - "hello".length).toBe(sent);
      expect(connection.read().length - REPLY.length).toBe(replied);
    },
  );

  it("keeps a request from the server until it is delivered, though its client has disconnected", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connection = await open(proxy);
    await exchange(connection, Buffer.from("hello"));
    const held = proxy.hold(nameCommand("update"));
    connection.socket.write(STORE);
    await held.caught;
    connection.socket.destroy();
    await sleep(50);
    expect(received.toString()).toBe("hello");
    await held.deliver();
    expect(received.equals(Buffer.concat([Buffer.from("hello"), STORE]))).toBe(true);
  });

  it("loses the reply to the request that it was told, and no other", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connection = await open(proxy);
    const lost = proxy.loseReply(nameCommand("update"));
    await exchange(connection, Buffer.from("hello"));
    const closed = once(connection.socket, "close");
    connection.socket.write(STORE);
    await Promise.all([lost, closed]);
    expect(connection.read().equals(REPLY)).toBe(true);
    await exchange(await open(proxy), STORE);
  });

  it("says if nothing was there to be cut, and then cuts nothing", async () => {
    await using proxy = await NetworkProxy.start(uri);
    expect(await proxy.cutAtStore("lost reply", 10)).toBe(false);
    await exchange(await open(proxy), STORE);
  });

  it("resets every connection", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connections = [await open(proxy), await open(proxy)];
    for (const connection of connections) await exchange(connection, STORE);
    const errors = connections.map(({ socket }) => once(socket, "error"));
    expect(proxy.reset()).toBe(2);
    for (const [error] of await Promise.all(errors)) {
      expect(error).toMatchObject({ code: "ECONNRESET" });
    }
  });

  it("pauses, and then passes on what came meanwhile", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connection = await open(proxy);
    const pause = proxy.pause(300);
    const reply = exchange(connection, STORE);
    await sleep(150);
    expect(connection.read().length).toBe(0);
    await pause;
    await reply;
  });

  it("forgets connections without closing them, and lets new ones through", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const forgotten = await open(proxy);
    await exchange(forgotten, STORE);
    expect(proxy.forget()).toBe(1);
    forgotten.socket.write(STORE);
    await exchange(await open(proxy), STORE);
    expect(forgotten.read().length).toBe(REPLY.length);
    expect(forgotten.socket.closed).toBe(false);
    forgotten.socket.destroy();
  });

  it("takes longer when told to", async () => {
    await using proxy = await NetworkProxy.start(uri);
    const connection = await open(proxy);
    proxy.setLatency(20);
    const startMs = performance.now();
    await exchange(connection, STORE);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(38);
  });
});
