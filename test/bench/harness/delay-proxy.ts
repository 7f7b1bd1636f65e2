import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { DelayOrder } from "./delay-proxy-process.ts";

/** A way to a server that takes longer. */
export interface DelayProxy extends AsyncDisposable {
  /** The connection string of that way. */
  readonly uri: string;
}

/**
 * Starts a proxy that adds half of `rttMs` in each direction. It is a process of its own, so that its
 * work is not counted as the client's.
 *
 * @param uri the server's connection string, of one host and without TLS
 * @throws Error if it is another one
 */
export async function startDelayProxy(uri: string, rttMs: number): Promise<DelayProxy> {
  const target = parseTarget(uri);
  const order: DelayOrder = {
    host: target.hostname,
    port: Number(target.port || 27_017),
    delayMs: rttMs / 2,
  };
  const child = fork(fileURLToPath(new URL("delay-proxy-process.ts", import.meta.url)), {
    execArgv: [],
    stdio: ["ignore", 2, 2, "ipc"],
  });
  child.send(order);
  const [port] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error("The proxy that adds to round trips could not be started.");
    }),
  ])) as [number];
  const through = new URL(target);
  through.host = `127.0.0.1:${port}`;
  // Otherwise the driver asks the server for its own address, and goes there.
  through.searchParams.delete("replicaSet");
  through.searchParams.set("directConnection", "true");
  return {
    uri: through.href,
    async [Symbol.asyncDispose]() {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}

function parseTarget(uri: string): URL {
  const target = URL.canParse(uri) ? new URL(uri) : undefined;
  const usesTls = ["tls", "ssl"].some((name) => target?.searchParams.get(name) === "true");
  if (target?.protocol === "mongodb:" && !usesTls) return target;
  throw new Error(
    "--rtt needs a server at one host, reached without TLS: mongodb://host:port. MONGODB_URI names another.",
  );
}
