import type { TestProject } from "vitest/node";
import { startMongoDB } from "./start-mongodb.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The server of this test run; `inject("mongodbUri")` in a test. Its TTL sweep runs each second. */
    mongodbUri: string;
  }
}

/** Starts one server before the first test of a run and stops it after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startMongoDB({ ttlSweepSeconds: 1 });
  project.provide("mongodbUri", server.uri);
  return () => server.stop();
}
