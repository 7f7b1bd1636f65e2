// Preloaded into a server that listens on all interfaces and has no option for it: a benchmark must not
// open a port to the network.
import { Server } from "node:net";

const { listen } = Server.prototype;

/** @this {Server} @param {any[]} args */
function listenOnLoopback(...args) {
  const [port] = args;
  const callback = args.findLast((argument) => typeof argument === "function");
  return Reflect.apply(listen, this, [{ port, host: "127.0.0.1" }, callback]);
}

Server.prototype.listen = listenOnLoopback;
