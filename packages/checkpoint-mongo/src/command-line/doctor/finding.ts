import type { MongoClient } from "mongodb";
import type { Session } from "../connection/session.ts";

/** How something stands: `unknown` is what the server does not tell, or not this user. */
export type Verdict = "ok" | "note" | "warning" | "problem" | "unknown";

/** What the doctor has found about one thing. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What is so. */
  readonly found: string;
  /** What to do, if anything. */
  readonly advice?: string | undefined;
}

/** What the checks work with. */
export interface Patient extends Session {
  readonly client: MongoClient;
  /** The server's reply to `hello`. */
  readonly hello: Readonly<Record<string, unknown>>;
}
