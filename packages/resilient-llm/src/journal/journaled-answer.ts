import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";

/** An answer as it is stored. */
interface StoredAnswer {
  readonly text: string;
  readonly message: StoredMessage;
  readonly generationInfo: Record<string, unknown> | undefined;
  readonly llmOutput: Record<string, unknown> | undefined;
}

/** The fields of a message that make it what it is. */
type StoredMessage = Pick<
  AIMessageChunk,
  | "content"
  | "additional_kwargs"
  | "response_metadata"
  | "id"
  | "name"
  | "tool_calls"
  | "invalid_tool_calls"
  | "usage_metadata"
> & { readonly tool_call_chunks?: AIMessageChunk["tool_call_chunks"] };

/** About as many characters as a model says at once. */
const PIECE_CHARS = 24;

function storeMessage(message: BaseMessage): StoredMessage {
  const { additional_kwargs, content, id, name, response_metadata } = message;
  const { invalid_tool_calls, tool_call_chunks, tool_calls, usage_metadata } =
    message as Partial<AIMessageChunk>;
  return {
    content,
    additional_kwargs,
    response_metadata,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(tool_calls?.length ? { tool_calls } : {}),
    ...(invalid_tool_calls?.length ? { invalid_tool_calls } : {}),
    ...(tool_call_chunks?.length ? { tool_call_chunks } : {}),
    ...(usage_metadata ? { usage_metadata } : {}),
  };
}

/**
 * A whole answer as JSON.
 *
 * @throws TypeError if part of it cannot be JSON
 */
export function storeResult({ generations, llmOutput }: ChatResult): string | undefined {
  const [generation] = generations;
  // More than one answer to one prompt is asked for seldom, and LangChain hands out the first one only.
  if (!generation || generations.length > 1) return undefined;
  const { generationInfo, message, text } = generation;
  const stored: StoredAnswer = {
    text,
    message: storeMessage(message),
    generationInfo,
    llmOutput,
  };
  return JSON.stringify(stored);
}

/** An answer that came as a stream, as JSON. */
export function storeChunk({ generationInfo, message, text }: ChatGenerationChunk): string {
  const stored: StoredAnswer = {
    text,
    message: storeMessage(message),
    generationInfo,
    llmOutput: undefined,
  };
  return JSON.stringify(stored);
}

/** An answer that is handed out again. */
export class ReplayedAnswer {
  readonly #stored: StoredAnswer;

  /** @param json As it was stored, and verified. */
  constructor(json: string) {
    this.#stored = JSON.parse(json) as StoredAnswer;
  }

  /** The message of a whole answer. */
  get message(): AIMessage {
    const { tool_call_chunks: _, ...fields } = this.#stored.message;
    return new AIMessage({ ...fields, response_metadata: this.#metadata } as object);
  }

  /** The answer as a whole. */
  toResult(): ChatResult {
    const { generationInfo, llmOutput, text } = this.#stored;
    const generation = { text, message: this.message, ...(generationInfo && { generationInfo }) };
    return { generations: [generation], ...(llmOutput && { llmOutput }) };
  }

  /** The answer as a stream: its text in pieces, then the rest. */
  *toChunks(): Generator<ChatGenerationChunk> {
    const { generationInfo, message, text } = this.#stored;
    const { content, id, tool_call_chunks, tool_calls, ...others } = message;
    const isText = typeof content === "string";
    const pieces = isText ? (content.match(new RegExp(`[^]{1,${PIECE_CHARS}}`, "gu")) ?? []) : [];
    const named = id === undefined ? {} : { id };
    for (const piece of pieces) {
      const spoken = new AIMessageChunk({ content: piece, ...named });
      yield new ChatGenerationChunk({ text: piece, message: spoken });
    }
    const { invalid_tool_calls: _, ...fields } = others;
    const rest = new AIMessageChunk({
      ...fields,
      ...named,
      content: isText ? "" : content,
      response_metadata: this.#metadata,
      // A message that is joined with other chunks keeps only its tool call chunks.
      tool_call_chunks:
        tool_call_chunks ??
        (tool_calls ?? []).map(({ args, id: callId = "", name }, index) => ({
          type: "tool_call_chunk" as const,
          id: callId,
          name,
          args: JSON.stringify(args),
          index,
        })),
    } as object);
    const last = new ChatGenerationChunk({ text: isText ? "" : text, message: rest });
    if (generationInfo) last.generationInfo = generationInfo;
    yield last;
  }

  get #metadata(): Record<string, unknown> {
    const { response_metadata: metadata } = this.#stored.message;
    const { resilience } = metadata as { readonly resilience?: object };
    return { ...metadata, resilience: { ...resilience, replayed: true } };
  }
}
