import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { omitRunOptions } from "../journal/hash-request.ts";
import { ReplayedAnswer } from "../journal/journaled-answer.ts";
import type { Replaying, ReplayTurn } from "../journal/replaying.ts";
import { identifyCall } from "./identify-call.ts";
import { runGenerate } from "./run-generate.ts";
import { runStream } from "./run-stream.ts";

async function askReplay(
  replaying: Replaying,
  shared: SharedState,
  request: CallRequest,
): Promise<ReplayTurn> {
  const { messages, options } = request;
  const call = identifyCall(shared, request);
  const { tools } = options as { readonly tools?: unknown };
  const asked = { ...omitRunOptions(options), ...(tools === undefined ? {} : { tools }) };
  return await replaying.answerModel({ key: call?.key, messages, options: asked });
}

/** Gets a whole answer from a replay, or asks for it in the middle of one. */
export async function runReplayedGenerate(
  replaying: Replaying,
  shared: SharedState,
  request: CallRequest,
): Promise<ChatResult> {
  const turn = await askReplay(replaying, shared, request);
  if (turn.kind === "answer") return new ReplayedAnswer(turn.json).toResult();
  const { messages, tell } = turn;
  const result = await runGenerate(shared, { ...request, messages });
  const [generation] = result.generations;
  if (generation) tell(generation.message);
  return result;
}

/** Gets a streamed answer from a replay, or asks for it in the middle of one. */
export async function* runReplayedStream(
  replaying: Replaying,
  shared: SharedState,
  request: CallRequest,
): AsyncGenerator<ChatGenerationChunk> {
  const turn = await askReplay(replaying, shared, request);
  if (turn.kind === "answer") {
    yield* new ReplayedAnswer(turn.json).toChunks();
    return;
  }
  const { messages, tell } = turn;
  let whole: ChatGenerationChunk | undefined;
  for await (const chunk of runStream(shared, { ...request, messages })) {
    whole = whole ? whole.concat(chunk) : chunk;
    yield chunk;
  }
  if (whole) tell(whole.message);
}
