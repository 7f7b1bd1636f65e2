/** Prints how many milliseconds it takes to import the main entry when its peers are there. */
await Promise.all([
  import("mongodb"),
  import("@langchain/langgraph-checkpoint"),
  import("@langchain/core/documents"),
  import("@langchain/core/embeddings"),
  import("@langchain/core/messages"),
  import("@langchain/core/prompt_values"),
  import("@langchain/core/prompts"),
  import("@langchain/core/runnables"),
  import("@langchain/core/utils/stream"),
]);
const startMs = performance.now();
await import("@threadkeep/checkpoint-mongo");
console.log(performance.now() - startMs);
