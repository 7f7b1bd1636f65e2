/** Puts with write-behind, says what has returned, and is killed: what was buffered is gone. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { putSteps } from "./put-steps.ts";

const [uri = "", dbName = "", threadId = "", steps = ""] = process.argv.slice(2);
const batch = { maxCheckpoints: 4 };
const saver = new MongoDBSaver({ client: new MongoClient(uri), dbName, batch });
await putSteps(saver, threadId, Number(steps));
process.kill(process.pid, "SIGKILL");
