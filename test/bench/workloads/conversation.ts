import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  END,
  MessagesAnnotation,
  MessagesDeltaValue,
  START,
  StateGraph,
  StateSchema,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { measureMs } from "../harness/durations.ts";
import { randomText } from "./random-text.ts";

/** Characters of a message. */
export const MESSAGE_LENGTH = 1_000;

/** Characters given to the graph in a turn: the user's message and the answer. */
export const TURN_CONTENT_BYTES = 2 * MESSAGE_LENGTH;

type Durability = "exit" | "async" | "sync";

export interface ConversationOptions {
  /** Default: "conversation". */
  readonly threadId?: string;
  /** When a step's checkpoint has to be stored. Default: LangGraph's own, while the next step runs. */
  readonly durability?: Durability;
  /**
   * Keeps the messages in a `MessagesDeltaValue`, of which LangGraph stores what is added and now and
   * then the whole, instead of in a channel that it always stores as a whole. Default: false.
   */
  readonly delta?: boolean;
}

/**
 * A chat with an agent of one node: each turn a message of the user and an answer. Without a saver
 * the messages are handed in again each turn, by reference: LangGraph's own cost.
 */
export class Conversation {
  readonly threadId: string;
  readonly #saver: BaseCheckpointSaver | undefined;
  readonly #graph: ReturnType<typeof buildGraph>;
  readonly #durability: Durability | undefined;
  #messages: BaseMessage[] = [];
  #turns = 0;

  constructor(
    saver: BaseCheckpointSaver | undefined,
    { threadId = "conversation", durability, delta = false }: ConversationOptions = {},
  ) {
    this.threadId = threadId;
    this.#saver = saver;
    this.#durability = durability;
    this.#graph = delta ? buildDeltaGraph(threadId, saver) : buildGraph(threadId, saver);
  }

  /** The config that names the thread's latest checkpoint. */
  get config(): RunnableConfig {
    return { configurable: { thread_id: this.threadId, checkpoint_ns: "" } };
  }

  /**
   * Runs one more turn and returns how many milliseconds it took.
   *
   * @param at where to go on instead of at the latest checkpoint
   */
  async runTurn(at: RunnableConfig = this.config): Promise<number> {
    this.#turns += 1;
    const text = randomText(`${this.threadId} user ${this.#turns}`, MESSAGE_LENGTH);
    const message = new HumanMessage(text);
    if (this.#saver !== undefined) {
      const config = this.#durability === undefined ? at : { ...at, durability: this.#durability };
      return measureMs(() => this.#graph.invoke({ messages: [message] }, config));
    }
    return measureMs(async () => {
      const state = await this.#graph.invoke({ messages: [...this.#messages, message] });
      this.#messages = state.messages;
    });
  }

  /** The messages, in a conversation without a saver. */
  get messages(): readonly BaseMessage[] {
    return this.#messages;
  }

  /** Runs a turn whose input is a whole conversation's messages. */
  async takeOver(messages: readonly BaseMessage[]): Promise<void> {
    await this.#graph.invoke({ messages: [...messages] }, this.config);
  }

  /** Replaces the content of the message in the middle of the thread. */
  async replaceMiddle(): Promise<void> {
    const state = await this.#graph.getState(this.config);
    const { messages } = state.values as { messages: BaseMessage[] };
    const middle = messages[Math.floor(messages.length / 2)];
    if (middle?.id === undefined) throw new Error("There is no message to replace.");
    const text = randomText(`${this.threadId} edit ${this.#turns}`, MESSAGE_LENGTH);
    const replacement =
      middle.type === "human"
        ? new HumanMessage({ id: middle.id, content: text })
        : new AIMessage({ id: middle.id, content: text });
    await this.#graph.updateState(this.config, { messages: [replacement] });
  }

  /** The config that names the latest checkpoint by its id. */
  async pinLatest(): Promise<RunnableConfig> {
    const { config } = await this.#graph.getState(this.config);
    return config;
  }
}

function buildGraph(threadId: string, saver: BaseCheckpointSaver | undefined) {
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", makeAgent(threadId))
    .addEdge(START, "agent")
    .addEdge("agent", END)
    .compile(saver === undefined ? {} : { checkpointer: saver });
}

/** To whoever calls it, the same graph. */
function buildDeltaGraph(
  threadId: string,
  saver: BaseCheckpointSaver | undefined,
): ReturnType<typeof buildGraph> {
  const graph = new StateGraph(new StateSchema({ messages: MessagesDeltaValue }))
    .addNode("agent", makeAgent(threadId))
    .addEdge(START, "agent")
    .addEdge("agent", END)
    .compile(saver === undefined ? {} : { checkpointer: saver });
  return graph as unknown as ReturnType<typeof buildGraph>;
}

function makeAgent(threadId: string): () => { messages: BaseMessage[] } {
  let answers = 0;
  return () => {
    answers += 1;
    const text = randomText(`${threadId} agent ${answers}`, MESSAGE_LENGTH);
    return { messages: [new AIMessage(text)] };
  };
}
