import type { BaseMessage } from "@langchain/core/messages";

/** What an attempt sends after the prompt of its call. */
export interface PromptAddition {
  readonly messages: readonly BaseMessage[];
  /** An empty answer to it is one like any other. */
  readonly acceptsEmpty: boolean;
}
