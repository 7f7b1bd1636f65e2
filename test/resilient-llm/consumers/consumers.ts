import { toUIMessageStream } from "@ai-sdk/langchain";
import { appendLangChainChunk, LangGraphMessageAccumulator } from "@assistant-ui/react-langgraph";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { MessageTupleManager } from "@langchain/langgraph-sdk/ui";
import type { ResilientChatModel } from "@threadkeep/resilient-llm";

const QUESTION = "What is the answer?";

function buildGraph(model: ResilientChatModel) {
  return new StateGraph(MessagesAnnotation)
    .addNode("model", async (state) => ({ messages: [await model.invoke(state.messages)] }))
    .addEdge("__start__", "model")
    .compile();
}

const input = { messages: [{ role: "user", content: QUESTION }] };

/** A message as LangGraph's server sends it. */
export type WireMessage = Record<string, unknown> & { type: string; id?: string };

/** The messages of a graph's run as LangGraph's server sends them to its clients. */
export async function* streamOverWire(model: ResilientChatModel): AsyncGenerator<WireMessage> {
  const stream = await buildGraph(model).stream(input, { streamMode: "messages" });
  for await (const [message] of stream) {
    const { data, type } = (message as AIMessageChunk).toDict();
    yield JSON.parse(JSON.stringify({ ...data, type })) as WireMessage;
  }
}

/** The one message that a consumer has in the end. More than one means that it saw the answer twice. */
function readOnly<Message>(messages: readonly Message[]): Message {
  if (messages.length !== 1) throw new Error(`Expected one message, got ${messages.length}`);
  return messages[0] as Message;
}

async function readUiMessages(stream: Parameters<typeof toUIMessageStream>[0]): Promise<string> {
  let failure: Error | undefined;
  const texts = new Map<string, string>();
  const onError = (error: Error) => {
    failure = error;
  };
  for await (const chunk of toUIMessageStream(stream, { onError })) {
    if (chunk.type === "text-delta") {
      texts.set(chunk.id, (texts.get(chunk.id) ?? "") + chunk.delta);
    }
  }
  if (failure) throw failure;
  return readOnly([...texts.values()]);
}

/** What each consumer makes of a streamed answer in the end. Rejects if it is told of an error. */
export const consumers = {
  "a loop that prints every chunk": async (model) => {
    let printed = "";
    for await (const chunk of await model.stream(QUESTION)) printed += chunk.text;
    return printed;
  },
  "chunks joined with concat": async (model) => {
    const chunks = await Array.fromAsync(await model.stream(QUESTION));
    return chunks.reduce((whole, chunk) => whole.concat(chunk)).text;
  },
  StringOutputParser: async (model) => {
    const pieces = await model.pipe(new StringOutputParser()).stream(QUESTION);
    return (await Array.fromAsync(pieces)).join("");
  },
  "streamEvents v2": async (model) => {
    let text = "";
    // oxlint-disable-next-line typescript/no-deprecated -- what is deployed still uses it
    for await (const { event, data } of model.streamEvents(QUESTION, { version: "v2" })) {
      if (event === "on_chat_model_stream") text += (data.chunk as AIMessageChunk).text;
    }
    return text;
  },
  "streamEvents of content blocks": async (model) => (await model.streamEvents(QUESTION)).text,
  "the state of a graph that is streamed": async (model) => {
    let text = "";
    const streamMode: ("values" | "messages")[] = ["values", "messages"];
    for await (const [mode, value] of await buildGraph(model).stream(input, { streamMode })) {
      if (mode === "values")
        text = (value as { messages: BaseMessage[] }).messages.at(-1)?.text ?? "";
    }
    return text;
  },
  "the message manager of LangGraph's useStream": async (model) => {
    const manager = new MessageTupleManager();
    for await (const message of streamOverWire(model)) {
      if (manager.add(message as never, undefined) === null) throw new Error("A chunk has no id");
    }
    return (readOnly(Object.values(manager.chunks)).chunk as AIMessageChunk).text;
  },
  "assistant-ui": async (model) => {
    const accumulator = new LangGraphMessageAccumulator({ appendMessage: appendLangChainChunk });
    for await (const message of streamOverWire(model)) {
      accumulator.addMessages([{ ...message, type: "AIMessageChunk" } as never]);
    }
    const { content } = readOnly(accumulator.getMessages()) as { readonly content: unknown };
    if (typeof content === "string") return content;
    return (content as { readonly text: string }[]).map(({ text }) => text).join("");
  },
  "@ai-sdk/langchain on the model": async (model) => readUiMessages(await model.stream(QUESTION)),
  "@ai-sdk/langchain on a graph": async (model) => {
    const streamMode: ("values" | "messages")[] = ["values", "messages"];
    return readUiMessages(await buildGraph(model).stream(input, { streamMode }));
  },
} as const satisfies Record<string, (model: ResilientChatModel) => Promise<string>>;
