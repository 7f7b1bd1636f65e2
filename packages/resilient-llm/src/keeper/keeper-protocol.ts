/**
 * How agents and their keeper speak: HTTP over a Unix socket, or over loopback on Windows, with the token of the
 * address file in `authorization`.
 *
 * - `POST /calls/:id`: an {@link Order}; the answer to it as it comes, or as it came.
 * - `GET /calls/:id`: whose answers to that call are kept, as {@link KeptCall}.
 * - `DELETE /calls/:id`: they are not needed any more.
 * - `DELETE /calls/:id/:order`: the answer to this order is not, and if it still comes, it is broken off.
 */

/** A request that the keeper is to make. It is held in memory only. */
export interface Order {
  /** Unique. */
  readonly id: string;
  /** The name of the candidate that is asked. */
  readonly candidate: string;
  /** The number of this candidate's last answer to the call that the agent has. 0: none. */
  readonly after: number;
  /** What is kept is wanted, and no new request. */
  readonly isForKept: boolean;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What stands before an answer, in the header {@link HEAD_HEADER}. */
export type Head = AnswerHead | BrokenHead;

/** How the provider has answered. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's number within its call. 0: it is not kept. */
  readonly number: number;
  /** It was asked for by an earlier order. */
  readonly isPickedUp: boolean;
}

/** The provider could not be reached. */
export interface BrokenHead {
  readonly message: string;
  /** The code of the error, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
}

/** What is kept of a call. */
export interface KeptCall {
  /** The candidate that was asked first. */
  readonly candidate: string;
}

/** The header of the keeper's answer that holds the {@link Head}, as JSON in base64url. */
export const HEAD_HEADER = "x-threadkeep-head";

/** Providers' headers go into {@link HEAD_HEADER}, which makes that longer than HTTP's usual bound, in bytes. */
export const MAX_HEADER_BYTES: number = 256 * 1024;

/** Nothing is kept, and an order wanted nothing else. */
export const NOT_KEPT_STATUS = 404;

/** The keeper makes no further request: it has as many as it may. */
export const BUSY_STATUS = 503;

/** Bounds of a keeper. */
export interface KeeperBounds {
  /** It ends after so many milliseconds without anything to do or to keep. */
  readonly idleMs: number;
  /** An answer that nobody has fetched is kept for so many milliseconds after its end. */
  readonly keepMs: number;
  /** All answers together take so many bytes at most. */
  readonly maxBytes: number;
  /** So many requests run at once at most. */
  readonly maxRequests: number;
}

export function encodeHead(head: Head): string {
  return Buffer.from(JSON.stringify(head)).toString("base64url");
}

export function decodeHead(text: string): Head {
  return JSON.parse(Buffer.from(text, "base64url").toString()) as Head;
}
