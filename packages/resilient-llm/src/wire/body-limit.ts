import type { Failure } from "../failure/failure.ts";
import type { WireWatch } from "./wire-watch.ts";

/**
 * A stream repeats names and ids around each few letters, so as a whole it may have this many times the
 * bytes of an answer in one piece.
 */
const STREAM_FACTOR = 16;

/** How many bytes a stream may have as a whole. */
export function maxStreamBytes({ maxResponseBytes }: WireWatch): number {
  return maxResponseBytes * STREAM_FACTOR;
}

/** The failure of an answer that is larger than any that is believed. */
export function describeOversized(
  { endpoint: { baseUrl, model } }: WireWatch,
  what: string,
  maxBytes: number,
): Failure {
  return {
    kind: "invalid-response",
    message: `${model} at ${baseUrl} sent ${what} of more than ${maxBytes} bytes`,
    nextStep: "If such answers are right, raise maxResponseBytes.",
  };
}

/** The beginning of a body, and whether there is more. */
export interface ReadBody {
  readonly text: string;
  readonly isCut: boolean;
}

/** Whether the connection itself ends the body after so many bytes. What is unpacked has no such end. */
function isKnownToFit({ headers }: Response, maxBytes: number): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= maxBytes && !headers.has("content-encoding");
}

/** Reads a body up to `maxBytes`, unpacked. If there is more, the connection is given up. */
export async function readBody(response: Response, maxBytes: number): Promise<ReadBody> {
  const { body } = response;
  // In one go: that takes a third of the time, and most bodies are small.
  if (!body || isKnownToFit(response, maxBytes)) {
    return { text: await response.text(), isCut: false };
  }
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    // Leaving the loop ends the connection.
    if (bytes > maxBytes) return { text: text + decoder.decode(), isCut: true };
    text += decoder.decode(piece, { stream: true });
  }
  return { text: text + decoder.decode(), isCut: false };
}
