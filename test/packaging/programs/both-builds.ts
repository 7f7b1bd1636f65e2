/** A program that gets both builds of our packages, as when a dependency of it is in CommonJS. */
import * as saver from "@threadkeep/checkpoint-mongo";
import * as llm from "@threadkeep/resilient-llm";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const otherSaver = require("@threadkeep/checkpoint-mongo") as typeof saver;
const otherLlm = require("@threadkeep/resilient-llm") as typeof llm;

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

// @ts-expect-error There is no client.
const saverError = thrownBy(() => new otherSaver.MongoDBSaver({}));
const modelError = thrownBy(() => new otherLlm.ResilientChatModel({ models: [] }));
console.log(
  JSON.stringify({
    areTwo: [
      saver.MongoDBSaver !== otherSaver.MongoDBSaver,
      llm.ResilientChatModel !== otherLlm.ResilientChatModel,
    ],
    saverError: [
      saver.ThreadkeepError.isInstance(saverError),
      saver.InvalidOptionsError.isInstance(saverError),
      saver.WriteConflictError.isInstance(saverError),
      llm.ThreadkeepError.isInstance(saverError),
    ],
    modelError: [
      llm.ThreadkeepError.isInstance(modelError),
      llm.InvalidOptionsError.isInstance(modelError),
      llm.BudgetExceededError.isInstance(modelError),
      saver.ThreadkeepError.isInstance(modelError),
    ],
  }),
);
