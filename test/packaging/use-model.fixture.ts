/**
 * What a project writes that uses the chat model: asks it once and prints answer and costs. Compiled
 * against the packed declarations and run with the packed code.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ResilientChatModel, type ResilientChatModelOptions } from "@threadkeep/resilient-llm";

const options: ResilientChatModelOptions = {
  models: [{ model: "scripted", pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 } }],
  baseURL: process.argv[2],
  apiKey: "none",
};
const model = new ResilientChatModel(options);
const chat: BaseChatModel = model;
const answer = await chat.invoke("Are you there?");
console.log(JSON.stringify({ text: answer.text, usd: model.costs.snapshot().costUsd }));
