import type { ReceivedRequest, Script } from "./fault-server.ts";
import * as replies from "./replies.ts";

/** A text in pieces of three characters, as steps of a stream. */
export function inPieces(text: string): { readonly text: string }[] {
  return (text.match(/[^]{1,3}/gu) ?? []).map((piece) => ({ text: piece }));
}

/** A complete answer in pieces of three characters. */
export function streamPieces(text: string): ReturnType<typeof replies.stream> {
  const end = [{ finish: "stop" }, { usage: replies.usage }, { done: true }] as const;
  return replies.stream(...inPieces(text), ...end);
}

/** What a request for a continuation shows a model: its partial answer, and what it has to begin with. */
interface Asked {
  readonly partial: string;
  readonly lastWords: string;
}

function readAsked({ body }: ReceivedRequest): Asked | undefined {
  const [answer, request] = body.messages.slice(-2);
  if (answer?.role !== "assistant") return undefined;
  const asked = String(request?.content);
  return { partial: String(answer.content), lastWords: asked.slice(asked.indexOf("\n") + 1) };
}

/** What a model says that is asked to continue `whole`, by how it takes that. */
export const manners = {
  "repeats the last words as asked": (whole: string, { lastWords, partial }: Asked) =>
    whole.slice(partial.trimEnd().length - lastWords.length),
  "begins from the start": (whole: string) => whole,
  "begins a few words late": (whole: string, { partial }: Asked) =>
    whole.slice(partial.lastIndexOf(" ", partial.length - 12) + 1),
  "says only the rest": (whole: string, { partial }: Asked) => whole.slice(partial.length),
  "comments first": (whole: string, { partial }: Asked) =>
    `Sure, here is the rest: ${whole.slice(partial.length)}`,
  "answers in other words": () => "In other words, nobody can say for certain what it is.",
} as const;

/** How a model takes the request to continue. */
export type Manner = keyof typeof manners;

/**
 * A server whose first answer ends without a proper end after `pieces` pieces of `whole`. When it is
 * asked to continue, it does so in its manner. When it is asked again, it answers from the beginning.
 */
export function breakOffOnce(whole: string, pieces: number, manner: Manner): Script {
  return (request) => {
    if (request.index === 0) return replies.stream(...inPieces(whole).slice(0, pieces));
    const asked = readAsked(request);
    return streamPieces(asked ? manners[manner](whole, asked) : whole);
  };
}
