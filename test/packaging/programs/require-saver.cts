/** The saver in CommonJS: is only compiled, with every declaration that it brings. */
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";

export const saver: BaseCheckpointSaver = MongoDBSaver.fromConnString("mongodb://127.0.0.1");
