import type { AIMessageChunk } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import { isReasoning } from "../attempt/judge-emptiness.ts";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { ReplayedAnswer, storeChunk, storeResult } from "../journal/journaled-answer.ts";
import { readReplaying } from "../journal/replaying.ts";
import { createTextChunk } from "./chunk-text.ts";
import type { JournaledCall } from "./journaled-call.ts";
import { openJournal } from "./open-journal.ts";
import { isStopReason } from "./stop-reason.ts";
import { isRestart } from "./restartable-chunk.ts";
import { runGenerate } from "./run-generate.ts";
import { runReplayedGenerate, runReplayedStream } from "./run-replayed.ts";
import { runStream } from "./run-stream.ts";

/**
 * Waits until what the call has cost is in the ledger. So an answer that the journal has is booked, always. Who
 * aborts does not wait.
 */
async function settleTab({ signal, tab }: CallRequest): Promise<void> {
  if (tab && signal?.aborted !== true) await tab.settled();
}

async function generate(
  shared: SharedState,
  request: CallRequest,
  turn?: JournaledCall,
): Promise<ChatResult> {
  try {
    return await runGenerate(shared, request, turn);
  } finally {
    await settleTab(request);
  }
}

async function* stream(
  shared: SharedState,
  request: CallRequest,
  turn?: JournaledCall,
): AsyncGenerator<ChatGenerationChunk> {
  try {
    for await (const chunk of runStream(shared, request, turn)) {
      if (isLast(chunk)) await settleTab(request);
      yield chunk;
    }
  } catch (error) {
    await settleTab(request);
    throw error;
  }
}

/** Gets a whole answer: from the journal, or over as many attempts as it takes. */
export async function runJournaledGenerate(
  shared: SharedState,
  request: CallRequest,
): Promise<ChatResult> {
  const replaying = readReplaying();
  if (replaying) return await runReplayedGenerate(replaying, shared, request);
  const turn = await openJournal(shared, request);
  if (turn === undefined) return generate(shared, request);
  if (turn instanceof ReplayedAnswer) return turn.toResult();
  let result: ChatResult;
  try {
    result = await generate(shared, request, turn);
  } catch (error) {
    await turn.interrupt(true);
    throw error;
  }
  await turn.complete(() => storeResult(result));
  return result;
}

/** Whether a chunk is nothing but text, and has been said by the same message as the ones before. */
function isBareText({ generationInfo, message }: ChatGenerationChunk): boolean {
  const { content, response_metadata, tool_call_chunks, usage_metadata, additional_kwargs } =
    message as AIMessageChunk;
  return (
    typeof content === "string" &&
    !generationInfo &&
    !usage_metadata &&
    !tool_call_chunks?.length &&
    Object.keys(response_metadata).length === 0 &&
    Object.keys(additional_kwargs).length === 0
  );
}

/** The chunks of an answer so far, to be joined at its end. */
class HandedOut {
  readonly #chunks: ChatGenerationChunk[] = [];
  #text = "";

  add(chunk: ChatGenerationChunk): void {
    if (isRestart(chunk)) {
      this.#chunks.length = 0;
      this.#text = "";
    }
    // The first one has the id. Joining each piece of text by itself would take longer than the journal.
    if (this.#chunks.length > 0 && isBareText(chunk)) {
      this.#text += chunk.text;
      return;
    }
    this.#closeText();
    this.#chunks.push(chunk);
  }

  /** The answer as the consumer has it. */
  join(): ChatGenerationChunk | undefined {
    this.#closeText();
    let whole: ChatGenerationChunk | undefined;
    for (const chunk of this.#chunks) whole = whole ? whole.concat(chunk) : chunk;
    return whole;
  }

  #closeText(): void {
    if (this.#text === "") return;
    this.#chunks.push(createTextChunk(this.#text, undefined));
    this.#text = "";
  }
}

/** Whether `chunk` says something that cannot be continued: a tool call, an image. */
function endsText({ message }: ChatGenerationChunk): boolean {
  const { content, tool_call_chunks } = message as AIMessageChunk;
  const hasOtherBlocks =
    Array.isArray(content) &&
    content.some((block) => typeof block["text"] !== "string" && !isReasoning(block.type));
  return hasOtherBlocks || Boolean(tool_call_chunks?.length);
}

/** Writes down what is handed out, before or while it is handed out. */
class StreamRecorder {
  readonly #call: JournaledCall;
  readonly #handedOut = new HandedOut();
  /** What the journal has, and the first chunk repeats. */
  #known: string | undefined;
  #isText = true;

  constructor(call: JournaledCall) {
    this.#call = call;
    this.#known = call.textToContinue;
  }

  add(chunk: ChatGenerationChunk): void {
    this.#handedOut.add(chunk);
    if (isRestart(chunk)) {
      this.#call.forget();
      this.#isText = true;
    }
    if (endsText(chunk)) {
      this.#call.forget();
      this.#isText = false;
    }
    if (!this.#isText) return;
    const known = this.#known;
    this.#known = undefined;
    if (known !== undefined && chunk.text.startsWith(known)) {
      this.#call.note(chunk.text.slice(known.length));
      return;
    }
    if (known !== undefined) this.#call.forget();
    this.#call.note(chunk.text);
  }

  async complete(): Promise<void> {
    await this.#call.complete(() => {
      const whole = this.#handedOut.join();
      return whole && storeChunk(whole);
    });
  }
}

/** Whether it is the chunk with which `runStream` says that the answer is complete. */
function isLast({ message }: ChatGenerationChunk): boolean {
  const { resilience } = message.response_metadata as { readonly resilience?: object };
  return resilience !== undefined && "attempts" in resilience;
}

/** Gets a streamed answer: from the journal, or over as many attempts as it takes. */
export async function* runJournaledStream(
  shared: SharedState,
  request: CallRequest,
): AsyncGenerator<ChatGenerationChunk> {
  const replaying = readReplaying();
  if (replaying) {
    yield* runReplayedStream(replaying, shared, request);
    return;
  }
  const turn = await openJournal(shared, request);
  if (turn === undefined) {
    yield* stream(shared, request);
    return;
  }
  if (turn instanceof ReplayedAnswer) {
    yield* turn.toChunks();
    return;
  }
  const recorder = new StreamRecorder(turn);
  let isOver = false;
  try {
    for await (const chunk of stream(shared, request, turn)) {
      recorder.add(chunk);
      // Who has the end of an answer may count on its being stored.
      if (isLast(chunk)) {
        isOver = true;
        await recorder.complete();
      }
      yield chunk;
    }
  } catch (error) {
    if (!isOver) await turn.interrupt(!isStopReason(error));
    isOver = true;
    throw error;
  } finally {
    // The consumer stopped reading, because it failed or because it has seen enough. Nobody knows which.
    if (!isOver) await turn.interrupt(false);
  }
}
