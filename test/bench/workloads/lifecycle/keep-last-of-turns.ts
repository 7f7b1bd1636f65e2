import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Db } from "mongodb";
import type { Bench, Outcome } from "../../harness/benchmark.ts";
import { CommandLog } from "../../harness/command-log.ts";
import { connect } from "../../harness/connect.ts";
import { measureMs } from "../../harness/durations.ts";
import { randomText } from "../random-text.ts";

const TURNS = 2_000;
const KEEP_LAST = 5;

const State = Annotation.Root({
  messages: Annotation<string[], string>({
    // The state stays the same size, so that all growth is that of the history.
    reducer: (messages, message) => [...messages.slice(-19), message],
    default: () => [],
  }),
});

/** Two threads run in turns, one of them with `keepLast`. */
export async function keepLastOfTurns({ database, turns, progress }: Bench): Promise<Outcome> {
  if (database === undefined) throw new Error("This benchmark needs a MongoDB.");
  const observer = await MongoClient.connect(database.directUri);
  const client = await connect(database, { monitorCommands: true });
  const other = await connect(database, { monitorCommands: true });
  try {
    const { name: dbName } = database;
    const kept = new Runner("kept", new MongoDBSaver({ client, dbName, keepLast: KEEP_LAST }));
    const whole = new Runner("whole", new MongoDBSaver({ client: other, dbName }));
    const [commands, commandsWithout] = [new CommandLog(client), new CommandLog(other)];
    const count = Math.ceil((TURNS * turns) / 100);
    const tenth = Math.ceil(count / 10);
    const measure = (kinds: readonly string[]) =>
      measureThread(observer.db(dbName), kept.threadId, kinds);
    let historyBytesTenth = 0;
    for (let turn = 1; turn <= count; turn += 1) {
      // Whatever disturbs the machine meets both alike.
      for (const runner of turn % 2 === 0 ? [kept, whole] : [whole, kept]) await runner.runTurn();
      if (turn === tenth) historyBytesTenth = await measure(["checkpoint", "writes"]);
      progress(turn, count);
    }
    return {
      turnMsMean: kept.elapsedMs / count,
      turnMsMeanWithout: whole.elapsedMs / count,
      commandsPerTurn: commands.commands / count,
      commandsPerTurnWithout: commandsWithout.commands / count,
      historyBytesTenth,
      historyBytesEnd: await measure(["checkpoint", "writes"]),
      segmentBytes: await measure(["segment"]),
      bytesWithout: await measureThread(observer.db(dbName), whole.threadId),
    };
  } finally {
    for (const one of [observer, client, other]) await one.close();
  }
}

class Runner {
  readonly threadId: string;
  elapsedMs = 0;
  readonly #graph;
  #turns = 0;

  constructor(threadId: string, checkpointer: MongoDBSaver) {
    this.threadId = threadId;
    this.#graph = new StateGraph(State)
      .addNode("answer", () => ({ messages: randomText(`answer ${this.#turns}`, 200) }))
      .addEdge(START, "answer")
      .compile({ checkpointer });
  }

  async runTurn(): Promise<void> {
    this.#turns += 1;
    const input = { messages: randomText(`question ${this.#turns}`, 200) };
    const config = { configurable: { thread_id: this.threadId } };
    this.elapsedMs += await measureMs(() => this.#graph.invoke(input, config));
  }
}

async function measureThread(db: Db, threadId: string, kinds?: readonly string[]): Promise<number> {
  const [sum] = await db
    .collection("threadkeep_threads")
    .aggregate<{ readonly bytes: number }>([
      { $match: { thread_id: threadId, ...(kinds && { kind: { $in: kinds } }) } },
      { $group: { _id: null, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
    ])
    .toArray();
  return sum?.bytes ?? 0;
}
