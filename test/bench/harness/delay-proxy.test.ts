import { once } from "node:events";
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDelayProxy } from "./delay-proxy.ts";

let echo: Server;
let uri: string;

beforeAll(async () => {
  echo = createServer((socket) => {
    socket.setNoDelay(true).pipe(socket);
    socket.on("error", () => {});
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  uri = `mongodb://127.0.0.1:${(echo.address() as AddressInfo).port}/?replicaSet=rs0`;
});

afterAll(() => void echo.close());

async function open(proxyUri: string): Promise<Socket> {
  const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(proxyUri).port) });
  await once(socket, "connect");
  return socket.setNoDelay(true);
}

/** Sends bytes and returns what comes back. */
async function exchange(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let received = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("data", (piece) => {
      pieces.push(piece);
      received += piece.length;
      if (received >= bytes.length) resolve();
    });
  });
  socket.write(bytes);
  await all;
  socket.removeAllListeners("data");
  return Buffer.concat(pieces);
}

describe("the proxy that adds to round trips", () => {
  it("adds at least what it was told to each round trip", async () => {
    await using proxy = await startDelayProxy(uri, 20);
    const socket = await open(proxy.uri);
    for (let count = 0; count < 5; count += 1) {
      const start = performance.now();
      await exchange(socket, Buffer.from("ping"));
      expect(performance.now() - start).toBeGreaterThanOrEqual(20);
    }
    socket.destroy();
  });

  it("passes on all bytes in their order, many pieces at once, in the time of one", async () => {
    await using proxy = await startDelayProxy(uri, 100);
    const socket = await open(proxy.uri);
    const bytes = Buffer.alloc(20_000_000, "0123456789abcdefg");
    const start = performance.now();
    const received = await exchange(socket, bytes);
    // One piece after the other, 64 kB each, would take half a minute.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(received.equals(bytes)).toBe(true);
    socket.destroy();
  });

  it("leads to the server alone: the driver does not go round it to the replica set's members", async () => {
    await using proxy = await startDelayProxy(uri, 2);
    const { searchParams } = new URL(proxy.uri);
    expect(Object.fromEntries(searchParams)).toEqual({ directConnection: "true" });
  });

  it("ends both ways when one side ends", async () => {
    await using proxy = await startDelayProxy(uri, 2);
    const socket = await open(proxy.uri);
    const closed = once(socket, "close");
    socket.end("bye");
    expect(String((await once(socket, "data"))[0])).toBe("bye");
    await closed;
  });

  it.each(["mongodb+srv://cluster.example.net/", "mongodb://a:1,b:2/", "mongodb://a/?tls=true"])(
    "says so when it cannot lead to %s",
    async (target) => {
      await expect(startDelayProxy(target, 2)).rejects.toThrow(/--rtt needs a server at one host/);
    },
  );
});
