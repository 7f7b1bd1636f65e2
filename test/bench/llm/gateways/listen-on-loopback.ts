/**
 * Preloaded into a server that listens on all interfaces and has no option for it: a benchmark must not
 * open a port to the network.
 */
import { Server } from "node:net";

const prototype = Server.prototype as unknown as {
  listen: (this: Server, ...args: readonly unknown[]) => Server;
};
const { listen } = prototype;

prototype.listen = function listenOnLoopback(port, ...others) {
  const callback = others.find((argument) => typeof argument === "function");
  return Reflect.apply(listen, this, [{ port, host: "127.0.0.1" }, callback]);
};
