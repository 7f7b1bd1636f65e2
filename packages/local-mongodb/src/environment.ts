import { fileURLToPath } from "node:url";

/** What the search for a server depends on, passed in so that a test can take any of it away. */
export interface Environment {
  /** The environment variables: `MONGODB_URI`, `PATH`, `MONGOMS_*`, `THREADKEEP_MONGODB`. */
  readonly variables: NodeJS.ProcessEnv;
  /** Where programs and remembered failures are kept between runs. */
  readonly cacheDirectory: string;
  /** Takes one line for people to read. */
  readonly log: (line: string) => void;
}

/** This process's variables and the workspace's own cache; logs to standard error by default. */
export function currentEnvironment(log: (line: string) => void = console.error): Environment {
  const cache = new URL("../../../node_modules/.cache/threadkeep", import.meta.url);
  return { variables: process.env, cacheDirectory: fileURLToPath(cache), log };
}
