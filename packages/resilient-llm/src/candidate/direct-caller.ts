import { AsyncCaller } from "@langchain/core/utils/async_caller";

type Call = AsyncCaller["call"];
type CallWithOptions = AsyncCaller["callWithOptions"];

/**
 * Calls at once, and only once. LangChain's own caller puts every call through a queue and a loop of
 * retries. Here that is the business of the layers above.
 */
export class DirectCaller extends AsyncCaller {
  constructor() {
    super({ maxRetries: 0 });
  }

  override call: Call = (callable, ...args) => callable(...args);

  override callWithOptions: CallWithOptions = (_, callable, ...args) => callable(...args);
}
