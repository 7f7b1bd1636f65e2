import type { AIMessageChunk } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { estimateContentTokens, estimateTextTokens } from "../context/estimate-tokens.ts";
import { isWholeArguments } from "../wire/tool-call-numbering.ts";
import { isReasoning } from "./judge-emptiness.ts";

type ContentBlock = Exclude<AIMessageChunk["content"], string>[number];

/** The text of a block, or `undefined` if it is no text. */
function readText(block: ContentBlock | string): string | undefined {
  if (typeof block === "string") return block;
  return "text" in block && typeof block.text === "string" ? block.text : undefined;
}

/** Whether a chunk says anything: text, a piece of a tool call, reasoning, an image. */
export function hasContent({ text, message }: ChatGenerationChunk): boolean {
  const { additional_kwargs, content, tool_call_chunks } = message as AIMessageChunk;
  return (
    text !== "" ||
    Boolean(tool_call_chunks?.length) ||
    Boolean(additional_kwargs["reasoning_content"]) ||
    (Array.isArray(content) && content.some((block) => readText(block) !== ""))
  );
}

/** What has come of a streamed answer so far. */
export class StreamedContent {
  #text = "";
  #hasToolCalls = false;
  /** The arguments of each tool call so far, by its index. Those of custom tools are any text. */
  readonly #arguments = new Map<number | undefined, string>();
  #hasContent = false;
  /** Generated, but not part of the answer's text: arguments of tool calls, reasoning. */
  #otherText = "";
  /** Images and the like, and reasoning. */
  readonly #otherBlocks: ContentBlock[] = [];

  get text(): string {
    return this.#text;
  }

  get hasToolCalls(): boolean {
    return this.#hasToolCalls;
  }

  /** A tool call has arguments that are not complete JSON. LangChain would complete them by guesses. */
  get hasBrokenArguments(): boolean {
    for (const text of this.#arguments.values()) if (!isWholeArguments(text)) return true;
    return false;
  }

  /** Images and the like have come. */
  get hasOtherBlocks(): boolean {
    return this.#otherBlocks.some(({ type }) => !isReasoning(type));
  }

  get hasContent(): boolean {
    return this.#hasContent;
  }

  add(chunk: ChatGenerationChunk): void {
    this.#hasContent ||= hasContent(chunk);
    this.#text += chunk.text;
    const { additional_kwargs, content, tool_call_chunks } = chunk.message as AIMessageChunk;
    for (const piece of tool_call_chunks ?? []) {
      const { args, index, name } = piece;
      this.#hasToolCalls = true;
      if (!("isCustomTool" in piece)) {
        this.#arguments.set(index, (this.#arguments.get(index) ?? "") + (args ?? ""));
      }
      this.#otherText += `${name ?? ""}${args ?? ""}`;
    }
    const { reasoning_content: reasoning } = additional_kwargs;
    if (typeof reasoning === "string") this.#otherText += reasoning;
    if (!Array.isArray(content)) return;
    for (const block of content) {
      if (readText(block) === undefined) this.#otherBlocks.push(block);
    }
  }

  /** Estimated tokens of everything that was generated. */
  estimateTokens(): number {
    return (
      estimateTextTokens(this.#text) +
      estimateTextTokens(this.#otherText) +
      estimateContentTokens(this.#otherBlocks)
    );
  }
}
