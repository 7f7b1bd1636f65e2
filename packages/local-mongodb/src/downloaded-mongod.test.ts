import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDownloadedMongod } from "./downloaded-mongod.ts";
import type { Environment } from "./environment.ts";

let directory: string;
let mirror: Server | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-download-test-"));
});

afterEach(async () => {
  mirror?.closeAllConnections();
  mirror?.close();
  await rm(directory, { recursive: true });
});

/** A machine that downloads from a mirror which answers as told. */
async function machineWithMirror(answer: RequestListener): Promise<Environment> {
  mirror = createServer(answer).listen(0, "127.0.0.1");
  await once(mirror, "listening");
  const { port } = mirror.address() as AddressInfo;
  return {
    variables: {
      HOME: directory,
      MONGOMS_DOWNLOAD_DIR: directory,
      MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`,
      MONGOMS_USE_HTTP: "true",
    },
    cacheDirectory: join(directory, "cache"),
    log: () => {},
  };
}

describe("the download of mongod", () => {
  it("is not tried again within the hour after it failed, unless it is asked for", async () => {
    let requests = 0;
    const machine = await machineWithMirror((_request, response) => {
      requests += 1;
      response.writeHead(502).end();
    });
    await expect(findDownloadedMongod(machine)).rejects.toThrow("502");
    expect(requests).toBe(1);

    const again = await findDownloadedMongod(machine);
    expect(again.absent).toMatch(/^its download failed 0 minutes ago \(.*502.*\)$/);
    expect(requests).toBe(1);

    const forced = findDownloadedMongod(machine, { ignoreRememberedFailure: true });
    await expect(forced).rejects.toThrow("502");
    expect(requests).toBe(2);
  });

  it("is given up when it makes no progress", async () => {
    const machine = await machineWithMirror((_request, response) => {
      response.writeHead(200, { "content-length": 100_000_000 });
      response.write("the first bytes of an archive");
    });
    await expect(findDownloadedMongod(machine, { silenceLimitMs: 1500 })).rejects.toThrow(
      "the download of mongod made no progress for 1.5 s and was given up",
    );
  });
});
