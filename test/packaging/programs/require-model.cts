/** The chat model in CommonJS: is only compiled, with every declaration that it brings. */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { createOpenTelemetryListener } from "@threadkeep/resilient-llm/opentelemetry";

const onEvent = createOpenTelemetryListener();
export const model: BaseChatModel = new ResilientChatModel({ models: ["scripted"], onEvent });
