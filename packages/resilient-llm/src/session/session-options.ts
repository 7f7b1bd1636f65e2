import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { z } from "zod";
import type { CallJournal } from "../journal/call-journal.ts";
import { checkOptions } from "../options/check-options.ts";
import type { JournalOptions } from "../options/journal-options.ts";
import { functionOf, objectWith, positiveCount, refused } from "../options/value-schemas.ts";

/** What is used of a chat model: of LangChain's, of {@link ResilientChatModel}, or of one with bound tools. */
export interface SessionModel {
  /** Gets a whole answer. */
  invoke(messages: BaseMessage[], options?: RunnableConfig): Promise<BaseMessage>;
  /** Gets an answer in pieces. */
  stream(messages: BaseMessage[], options?: RunnableConfig): Promise<AsyncIterable<AIMessageChunk>>;
}

/** How much of the history the model is shown. All of it stays stored. */
export interface SessionHistoryOptions {
  /**
   * The longest history, in tokens. What was said last is kept.
   *
   * @default 80 % of the model's window, if the model knows it, else `Infinity`
   */
  readonly maxTokens?: number | undefined;

  /**
   * The longest history, in messages.
   *
   * @default Infinity
   */
  readonly maxMessages?: number | undefined;

  /**
   * Counts the tokens of messages. The same messages must always have the same count: a prompt that is cut at
   * another place is another prompt, and the journal has no answer to it.
   *
   * @default an estimate
   */
  readonly countTokens?: ((messages: BaseMessage[]) => number) | undefined;
}

/** Options of {@link createSession}. */
export interface SessionOptions {
  /** The session. It is the thread id under which the checkpointer and the journal keep it. */
  readonly sessionId: string;

  /** The chat model that answers. */
  readonly model: SessionModel;

  /** Where the session is stored: any checkpoint saver of LangGraph, for example `MongoDBSaver`. */
  readonly checkpointer: BaseCheckpointSaver | BaseCheckpointSaver<string>;

  /**
   * Where answers are kept that no checkpoint has yet: a journal by itself, or options with one as `store`. It
   * takes a {@link ResilientChatModel}.
   *
   * @default the model's own journal, if it has one
   */
  readonly journal?: CallJournal | JournalOptions | undefined;

  /**
   * What the model is told before everything else.
   *
   * @default undefined
   */
  readonly systemPrompt?: string | undefined;

  /**
   * How much of the history the model is shown.
   *
   * @default what fits into the model's window
   */
  readonly history?: SessionHistoryOptions | undefined;
}

/** A model that can be given a journal: `ResilientChatModel`. */
export interface JournalingModel extends SessionModel {
  withJournal(journal: CallJournal | JournalOptions): SessionModel;
}

/** The part of the model's window that its history may take. The rest is for the answer. */
const SHARE_OF_WINDOW = 0.8;

const limit = z
  .number({ error: "a number from 1, or Infinity" })
  .min(1, { error: "a number from 1, or Infinity" })
  .or(z.literal(Infinity));

const schema = z.strictObject({
  sessionId: z.string().min(1),
  model: objectWith<SessionModel>("invoke", "stream"),
  checkpointer: objectWith<BaseCheckpointSaver>("getTuple", "put", "deleteThread"),
  // A `store` of LangGraph keeps items over threads. What a session is kept in is called its checkpointer.
  store: refused("the checkpoint saver in the option checkpointer"),
  journal: z.unknown().optional(),
  systemPrompt: z.string().min(1).optional(),
  history: z
    .strictObject({
      maxTokens: limit.optional(),
      maxMessages: positiveCount.or(z.literal(Infinity)).default(Infinity),
      countTokens: functionOf<(messages: BaseMessage[]) => number>().optional(),
    })
    .prefault({}),
});

/** Options with their defaults. */
export interface ResolvedSessionOptions {
  readonly sessionId: string;
  readonly model: SessionModel;
  /** Whether the model takes the name of a task. */
  readonly canJournal: boolean;
  readonly checkpointer: BaseCheckpointSaver;
  readonly systemPrompt: string | undefined;
  readonly history: {
    readonly maxTokens: number;
    readonly maxMessages: number;
    readonly countTokens: ((messages: BaseMessage[]) => number) | undefined;
  };
}

/** Whether a model is one of this package, in any copy of it. */
function isJournalingModel(model: SessionModel): model is JournalingModel {
  return typeof (model as Partial<JournalingModel>).withJournal === "function";
}

function readWindow(model: SessionModel): number {
  const { profile } = model as { readonly profile?: { readonly maxInputTokens?: unknown } };
  const window = profile?.maxInputTokens;
  return typeof window === "number" ? Math.floor(window * SHARE_OF_WINDOW) : Infinity;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveSessionOptions(options: SessionOptions): ResolvedSessionOptions {
  const checked = checkOptions(
    "createSession",
    schema.refine(({ journal, model }) => journal === undefined || isJournalingModel(model), {
      path: ["model"],
      error: "a ResilientChatModel, because there is a journal",
    }),
    options,
  );
  const { checkpointer, history, journal, model, sessionId, systemPrompt } = checked;
  const canJournal = isJournalingModel(model);
  return {
    sessionId,
    model: canJournal && journal !== undefined ? model.withJournal(journal as CallJournal) : model,
    canJournal,
    checkpointer,
    systemPrompt,
    history: {
      maxTokens: history.maxTokens ?? readWindow(model),
      maxMessages: history.maxMessages,
      countTokens: history.countTokens,
    },
  };
}
