import type { Failure } from "../failure/failure.ts";
import { isFields, type Fields } from "./normalize-message.ts";

/** DashScope and others: some models answer by streaming only. */
const WANTS_STREAM =
  /only supports? (?:the )?stream|stream(?:ing)?(?: mode)? (?:is )?(?:required|only\b)|please (?:enable|use|set) (?:the )?["'`]?stream|["'`]?stream["'`]? (?:must|should) be (?:set to )?true|must be set to false for non-streaming|non-streaming[^.]{0,30}not supported/i;

/** Whether a model has refused a request because it was not for a stream. */
export function wantsToStream({ kind, message }: Failure): boolean {
  return (kind === "unsupported" || kind === "bad-request") && WANTS_STREAM.test(message);
}

/** OpenAI and others refuse streams, or their usage, for some models and for accounts that are not verified. */
const REFUSES_STREAM = /\bstream/i;

/** Whether a request was refused because it was for a stream. */
export function refusesToStream({ kind, message }: Failure): boolean {
  const isRefusal = kind === "unsupported" || kind === "bad-request" || kind === "authentication";
  return isRefusal && REFUSES_STREAM.test(message);
}

/** Whether a whole answer can be made of the stream without losing what was asked for. */
function isPlain({ audio, logprobs, modalities, n }: Fields): boolean {
  const isSingle = n === undefined || n === null || n === 1;
  return isSingle && !audio && !logprobs && !modalities;
}

/**
 * The same request, for a stream; `undefined` if its body cannot be read.
 *
 * @param plainOnly `undefined` too if it asks for more than one text with its tool calls.
 */
export function askForStream(
  init: RequestInit | undefined,
  streamUsage: boolean,
  plainOnly: boolean,
): RequestInit | undefined {
  if (typeof init?.body !== "string") return undefined;
  const body: unknown = JSON.parse(init.body);
  if (!isFields(body) || (plainOnly && !isPlain(body))) return undefined;
  const streamed: Fields = { ...body, stream: true };
  // The Responses API reports usage anyway, and refuses to be asked for it.
  if (streamUsage && "messages" in body) {
    streamed["stream_options"] = { include_usage: true };
  }
  return { ...init, body: JSON.stringify(streamed) };
}
