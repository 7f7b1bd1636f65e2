import { ChatOpenAI } from "@langchain/openai";
import {
  type KeeperOptions,
  type ResilienceListener,
  ResilientChatModel,
} from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import type { MongoClient } from "mongodb";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** What an agent works with that is about to be killed, and the one that takes its place. */
export interface AgentSetting {
  readonly uri: string;
  readonly dbName: string;
  readonly baseURL: string;
  /** The options of its call. */
  readonly call: object;
  /** Whether it has a journal. */
  readonly isJournaled: boolean;
  /** Whether its provider makes responses in the background. */
  readonly isBackground?: boolean;
  readonly keeper?: KeeperOptions;
}

/** What it asks. */
export const PROMPT = "hi";

/** Only a stub knows it. */
const KEY = "sk-test-0123456789abcdef";

/** The model of such an agent. Each process has to make it alike: other settings are other calls. */
export function openAgentModel(
  { baseURL, dbName, isBackground, isJournaled, keeper }: AgentSetting,
  client: MongoClient,
  onEvent?: ResilienceListener,
): ResilientChatModel {
  const inner = new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: KEY,
    configuration: { baseURL },
    ...(isBackground ? { useResponsesApi: true, modelKwargs: { background: true } } : {}),
  });
  const store = new MongoDBCallJournal({ client, dbName });
  const journal = { store, leaseMs: 300, timeoutMs: 10_000, ...(keeper ? { keeper } : {}) };
  return new ResilientChatModel({
    models: [inner],
    ...(isJournaled ? { journal } : {}),
    ...(onEvent ? { onEvent } : {}),
  });
}

/** Starts such an agent in a process of its own. It prints its answer as it comes. */
export function startAgent(setting: AgentSetting): ChildProcessByStdio<null, Readable, null> {
  const program = fileURLToPath(new URL("mortal-agent.fixture.ts", import.meta.url));
  const args = ["--conditions=@threadkeep/source", "--no-warnings", program];
  return spawn(process.execPath, [...args, JSON.stringify(setting)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}
