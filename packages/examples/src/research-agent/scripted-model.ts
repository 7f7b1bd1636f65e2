import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { setTimeout as sleep } from "node:timers/promises";

/** A tool call that a scripted model asks for. */
export interface ScriptedToolCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a scripted model says: words, or one tool call. */
export type Reply = string | ScriptedToolCall;

/**
 * Decides from the messages alone. The same question gets the same answer in every process.
 *
 * @throws Error if it has nothing to say
 */
export type Script = (messages: readonly BaseMessage[]) => Reply;

/** How a {@link ScriptedModel} answers. */
export interface ScriptedModelOptions {
  readonly script: Script;
  /** How long each word takes, in ms. */
  readonly wordMs: number;
  /**
   * What the model is called.
   *
   * @default "scripted"
   */
  readonly name?: string;
  /**
   * So many requests are refused first, as by a server that is down.
   *
   * @default 0
   */
  readonly refusals?: number;
}

/** A chat model for when there is no key to a real one: streams what its script says. */
export class ScriptedModel extends BaseChatModel {
  readonly model: string;
  private readonly script: Script;
  private readonly wordMs: number;
  private refusalsLeft: number;

  constructor({ script, wordMs, name = "scripted", refusals = 0 }: ScriptedModelOptions) {
    super({ maxRetries: 0 });
    this.model = name;
    this.script = script;
    this.wordMs = wordMs;
    this.refusalsLeft = refusals;
  }

  override _llmType(): string {
    return "scripted";
  }

  /** The script knows its tools already. */
  override bindTools(): this {
    return this;
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): Promise<ChatResult> {
    let whole = new ChatGenerationChunk({ text: "", message: new AIMessageChunk("") });
    for await (const chunk of this._streamResponseChunks(messages, options)) {
      whole = whole.concat(chunk);
    }
    return { generations: [whole] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    { signal }: this["ParsedCallOptions"],
  ): AsyncGenerator<ChatGenerationChunk> {
    if (this.refusalsLeft > 0) {
      this.refusalsLeft -= 1;
      const refusal = { status: 503, headers: { "retry-after": "120" } };
      throw Object.assign(new Error("The model is overloaded."), refusal);
    }
    const reply = this.script(messages);
    const said = typeof reply === "string" ? reply : JSON.stringify(reply.args);
    for (const [word] of said.matchAll(/\s*\S+/g)) {
      await sleep(this.wordMs, undefined, signal ? { signal } : {});
      if (typeof reply === "string") yield toChunk(new AIMessageChunk(word));
    }
    if (typeof reply !== "string") yield toChunk(toolCall(reply, messages));
    yield toChunk(usage(messages, said));
  }
}

function toChunk(message: AIMessageChunk): ChatGenerationChunk {
  return new ChatGenerationChunk({ text: message.text, message });
}

/** Its id follows from the conversation, so a call that is asked for again keeps it. */
function toolCall({ tool, args }: ScriptedToolCall, asked: readonly BaseMessage[]): AIMessageChunk {
  const id = `call_${tool}_${asked.length}`;
  return new AIMessageChunk({
    content: "",
    tool_call_chunks: [{ index: 0, id, name: tool, args: JSON.stringify(args) }],
  });
}

/** Four characters to a token, the rule of thumb for English. */
function usage(asked: readonly BaseMessage[], said: string): AIMessageChunk {
  const input_tokens = Math.ceil(asked.map((message) => message.text).join("\n").length / 4);
  const output_tokens = Math.ceil(said.length / 4);
  const chunk = new AIMessageChunk("");
  const total_tokens = input_tokens + output_tokens;
  return Object.assign(chunk, { usage_metadata: { input_tokens, output_tokens, total_tokens } });
}
