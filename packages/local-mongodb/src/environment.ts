/** What the search for a server depends on, passed in so that a test can take any of it away. */
export interface Environment {
  /** The environment variables: `MONGODB_URI`, `PATH`, `MONGOMS_*`, `THREADKEEP_MONGODB`. */
  readonly variables: NodeJS.ProcessEnv;
  /** Where programs and remembered failures are kept between runs. */
  readonly cacheDirectory: string;
  /** Takes one line for people to read. */
  readonly log: (line: string) => void;
}
