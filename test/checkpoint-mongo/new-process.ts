import type { MongoClient } from "mongodb";

/**
 * The client as a process that has just started has it: nothing is remembered for it yet, no setup and
 * no cached content. It sends by the connection of the given one, which records its commands and
 * closes it.
 */
export function asNewProcess(client: MongoClient): MongoClient {
  // What is remembered belongs to the object, and this is another one.
  return new Proxy(client, {});
}
