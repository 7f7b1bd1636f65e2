import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Keeper } from "./keeper.ts";

const bounds = { idleMs: 60_000, keepMs: 60_000, maxBytes: 1_000_000, maxRequests: 10 };

it("where there are no sockets in folders, a keeper listens on the loopback interface, with its token", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keeper-"));
  const provider = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(provider, "listening");
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`;
  const keeper = new Keeper({ folder, ...bounds }, true);
  const asked = { url, headers: {}, body: "{}" };
  const order = { id: randomUUID(), candidate: "a", after: 0, isForKept: false, ...asked };
  const { signal } = new AbortController();
  expect(await keeper.relay("call", { ...order, isForKept: true }, signal)).toBeUndefined();
  const answer = await keeper.relay("call", order, signal);
  const [file = ""] = await readdir(folder);
  const address = JSON.parse(await readFile(join(folder, file), "utf8")) as {
    readonly listen: number;
    readonly pid: number;
  };
  onTestFinished(async () => {
    process.kill(address.pid);
    provider.close();
    await rm(folder, { recursive: true, force: true });
  });
  expect(answer?.head).toMatchObject({ status: 200, isPickedUp: false });
  expect(await new Response(answer?.body).text()).toBe("hello");
  expect(address.listen).toBeTypeOf("number");
  expect(await keeper.find("call")).toEqual({ candidate: "a" });
  const response = await fetch(`http://127.0.0.1:${address.listen}/calls/call`);
  expect(response.status).toBe(401);
});
