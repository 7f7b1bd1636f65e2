/** Announcements that wait for an editor, who answers from another process. See `--help`. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { createRuns, RecoveryWorker, type Run } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildAnnouncementGraph } from "./announcement-graph.ts";
import { announcementScript } from "./announcement-script.ts";
import { openDesk } from "./desk.ts";
import { findMongoDB } from "./find-mongodb.ts";
import { openModel } from "./open-model.ts";

const HELP = `Usage: npm start -- COMMAND

  announce ID TOPIC   store that something is to be announced; a worker drafts it
  work                work until stopped: draft, remind, publish
    --once            and end as soon as there is nothing to do but wait
  list                what waits for an answer, and how everything else stands
  answer ID TEXT      "yes" publishes it; anything else is what to do better
  cancel ID           end it

  --patience-ms N     with work: how long to wait for an answer before a reminder (default: 60000)
  --hold-back-ms N    with work: how long an approved announcement can be cancelled (default: 5000)`;

const MAX_REMINDERS = 2;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      once: { type: "boolean", default: false },
      "patience-ms": { type: "string", default: "60000" },
      "hold-back-ms": { type: "string", default: "5000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else {
    const [command = "", id = "", ...words] = positionals;
    const patienceMs = Number(values["patience-ms"]);
    const holdBackMs = Number(values["hold-back-ms"]);
    const patience = { patienceMs, holdBackMs, maxReminders: MAX_REMINDERS };
    await serve(command, id, words.join(" "), { ...patience, once: values.once });
  }
} catch (error) {
  // What was asked for is not there, for example: the message says what to do.
  if (!ThreadkeepError.isInstance(error) && !(error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

interface Settings {
  readonly patienceMs: number;
  readonly holdBackMs: number;
  readonly maxReminders: number;
  readonly once: boolean;
}

async function serve(command: string, id: string, text: string, settings: Settings): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  const dbName = process.env["MONGODB_DB"] || "human_in_the_loop";
  await using client = new MongoClient(mongodb.uri);
  const saver = new MongoDBSaver({ client, dbName });
  const runs = createRuns({ saver, graphs: { announcement: {} } });
  switch (command) {
    case "announce": {
      const run = await runs.start("announcement", { topic: text }, { threadId: id, runId: id });
      return console.log(`${run.runId}: ${run.status}`);
    }
    case "work":
      return await work(saver, client, dbName, settings);
    case "list":
      for (const run of (await runs.list()).runs) console.log(describe(run));
      return;
    case "answer":
      await runs.resume(id, text);
      return console.log(`${id}: answered; a worker goes on`);
    case "cancel":
      return console.log(`${id}: ${(await runs.cancel(id)).status}`);
    default:
      throw new TypeError(`Which command, please?\n\n${HELP}`);
  }
}

async function work(
  saver: MongoDBSaver,
  client: MongoClient,
  dbName: string,
  { once, ...patience }: Settings,
): Promise<void> {
  const desk = openDesk(client.db(dbName), patience);
  const model = openModel(process.env, announcementScript);
  const graphs = { announcement: buildAnnouncementGraph(model, desk) };
  let isIdle = true;
  await using worker = new RecoveryWorker({
    saver,
    graphs,
    onEvent: (event) => {
      if (event.type === "run-taken") isIdle = false;
      if (event.type === "run-recorded") console.log(describe(event.run));
    },
  });
  worker.start();
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stopped.abort());
  }
  while (!stopped.signal.aborted) {
    isIdle = true;
    // Longer than the worker takes to look once.
    await sleep(once ? 1_000 : 60_000, undefined, { signal: stopped.signal }).catch(() => {});
    if (once && isIdle && worker.activeCount === 0) return;
  }
}

function describe({ runId, status, interrupts, wakeAt, error }: Run): string {
  if (error !== undefined) return `${runId}: ${status}: ${error.message}`;
  if (status !== "waiting") return `${runId}: ${status}`;
  const question = interrupts[0]?.value as { readonly draft?: string } | undefined;
  const until = wakeAt?.toISOString() ?? "somebody answers";
  return question?.draft === undefined
    ? `${runId}: held back until ${until}`
    : `${runId}: waits for an answer until ${until}: ${question.draft}`;
}
