import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { END, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { CONFIRM_PROMPT, SUGGEST_PROMPT } from "./trip-script.ts";

type Trip = typeof MessagesAnnotation.State;

/** `suggest ─▶ approve ─▶ confirm`. `approve` waits for an answer, and "no" leads back to `suggest`. */
export function buildTripGraph(model: BaseChatModel, checkpointer: BaseCheckpointSaver) {
  const say = (prompt: string) => async (trip: Trip) => ({
    messages: [await model.invoke([new SystemMessage(prompt), ...trip.messages])],
  });
  return new StateGraph(MessagesAnnotation)
    .addNode("suggest", say(SUGGEST_PROMPT))
    .addNode("approve", (trip) => {
      const answer: string = interrupt(trip.messages.at(-1)!.text);
      return { messages: [new HumanMessage(answer)] };
    })
    .addNode("confirm", say(CONFIRM_PROMPT))
    .addEdge(START, "suggest")
    .addEdge("suggest", "approve")
    .addConditionalEdges("approve", (trip) =>
      /^no\b/iu.test(trip.messages.at(-1)!.text) ? "suggest" : "confirm",
    )
    .addEdge("confirm", END)
    .compile({ checkpointer, name: "trip" });
}

/** The graph that {@link buildTripGraph} builds. */
export type TripGraph = ReturnType<typeof buildTripGraph>;
