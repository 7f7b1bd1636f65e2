import { MongoClient, type MongoClientOptions } from "mongodb";
import { onTestFinished } from "vitest";
import { CommandProxy, type Handle } from "../network/command-proxy.ts";

/** A client for one test, whose commands a function of the test's takes on their way to the server. */
export async function connectThrough(
  uri: string,
  handle: Handle,
  options: MongoClientOptions = {},
): Promise<MongoClient> {
  const proxy = await CommandProxy.start(uri, handle);
  const client = new MongoClient(proxy.uri, options);
  onTestFinished(async () => {
    await client.close();
    await proxy[Symbol.asyncDispose]();
  });
  return client;
}
