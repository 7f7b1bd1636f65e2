/**
 * Runs a graph with a cached node and prints as JSON what came out and how often the node ran:
 * `URI DATABASE INPUT`. Run as a process of its own, it has nothing but what is in the database.
 */
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBCache } from "@threadkeep/checkpoint-mongo";

const [uri, dbName, input] = process.argv.slice(2);
await using cache = MongoDBCache.fromConnString(uri!, { dbName });
let runs = 0;
const graph = new StateGraph(MessagesAnnotation)
  .addNode(
    "answer",
    ({ messages }: typeof MessagesAnnotation.State) => {
      runs += 1;
      return { messages: [new AIMessage(`${messages[0]!.text}, by ${process.pid}`)] };
    },
    { cachePolicy: { ttl: 3_600, keyFunc: (args) => JSON.stringify(args) } },
  )
  .addEdge(START, "answer")
  .addEdge("answer", END)
  .compile({ cache });
const { messages } = await graph.invoke({
  messages: [new HumanMessage({ content: input!, id: "1" })],
});
console.log(JSON.stringify({ runs, pid: process.pid, answer: messages.at(-1)!.text }));
