/** What a supervisor is told to do, as JSON in its only argument. */
export interface SupervisorOrder {
  readonly command: string;
  readonly args: readonly string[];
  /** Does not exist yet: the supervisor makes it, so that the one who makes it also removes it. */
  readonly directory: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The file in the server's directory that takes what the server prints. */
export const LOG_FILE = "server.log";

/** The file there that says the server's process id, written when the server starts. */
export const PID_FILE = "server.pid";
