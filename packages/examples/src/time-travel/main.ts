/** An agent that suggests trips, and ways back in time. See `--help`. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { parseArgs } from "node:util";
import { findMongoDB } from "./find-mongodb.ts";
import { openModel } from "./open-model.ts";
import { runTrip, showHistory } from "./run-trip.ts";
import { showDiff } from "./show-diff.ts";
import { buildTripGraph } from "./trip-graph.ts";
import { tripScript } from "./trip-script.ts";

const HELP = `Usage: npm start -- COMMAND [--thread ID]

  run [ANSWER]       begin the trip, go on with it, or answer what it asks
  history            the thread's checkpoints, the latest first
  label NAME         name the latest checkpoint
  rollback TO        make an earlier state the latest: a label, the id of a checkpoint, or a number of steps
    --discard        and keep nothing in the history of what came after
  undo               undo the last rollback
  fork FROM THREAD   begin another thread with the state of a label or checkpoint
  diff THREAD        what is different in another thread

  --thread ID        the thread (default: trip)`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      thread: { type: "string", default: "trip" },
      discard: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [command = "", first = "", second = ""] = positionals;
  if (values.help) console.log(HELP);
  else await travel(command, first, second, values);
} catch (error) {
  // What was asked for is not there, for example: the message says what to do.
  if (!ThreadkeepError.isInstance(error) && !(error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function travel(
  command: string,
  first: string,
  second: string,
  { thread: threadId, discard }: { thread: string; discard: boolean },
): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  const dbName = process.env["MONGODB_DB"] || "time_travel";
  await using saver = MongoDBSaver.fromConnString(mongodb.uri, { dbName });
  const thread = { configurable: { thread_id: threadId } };
  switch (command) {
    case "run": {
      const graph = buildTripGraph(openModel(process.env, tripScript), saver);
      return await runTrip(graph, thread, first);
    }
    case "history":
      return await showHistory(saver, threadId);
    case "label": {
      const { name, checkpointId } = await saver.label(thread, { name: first });
      return console.log(`"${name}" is checkpoint ${checkpointId}`);
    }
    case "rollback": {
      const to = /^\d{1,4}$/u.test(first) ? { steps: Number(first) } : first;
      const { formerId, discarded } = await saver.rollback(threadId, { to, discard });
      return console.log(`back from ${formerId}; ${discarded} checkpoints discarded`);
    }
    case "undo": {
      const { configurable } = await saver.undoRollback(threadId);
      return console.log(`the latest is ${configurable!["checkpoint_id"]} again`);
    }
    case "fork":
      await saver.fork(threadId, { from: first, to: second });
      return console.log(`thread "${second}" begins there`);
    case "diff":
      return showDiff(await saver.diff(thread, { configurable: { thread_id: first } }));
    default:
      throw new TypeError(`Which command, please?\n\n${HELP}`);
  }
}
