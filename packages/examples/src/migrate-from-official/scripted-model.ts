import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { setTimeout as sleep } from "node:timers/promises";

/** What a scripted model says, decided from the messages alone. */
export type Script = (messages: readonly BaseMessage[]) => string;

/** A chat model for when there is no key to a real one: streams what its script says. */
export class ScriptedModel extends SimpleChatModel {
  readonly #script: Script;
  readonly #wordMs: number;

  /** @param wordMs how long each word takes */
  constructor(script: Script, wordMs: number) {
    super({});
    this.#script = script;
    this.#wordMs = wordMs;
  }

  override _llmType(): string {
    return "scripted";
  }

  override async _call(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<string> {
    let text = "";
    for await (const chunk of this._streamResponseChunks(messages, options, runManager)) {
      text += chunk.text;
    }
    return text;
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    { signal }: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const [word] of this.#script(messages).matchAll(/\s*\S+/g)) {
      await sleep(this.#wordMs, undefined, signal ? { signal } : {});
      const message = new AIMessageChunk({ content: word });
      const chunk = new ChatGenerationChunk({ text: word, message });
      yield chunk;
      await runManager?.handleLLMNewToken(word, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
  }
}
