import { interrupt } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createRunHandler, createRuns, type Run } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CommandProxy, ConnectionLost, isOfDriver } from "../../network/command-proxy.ts";
import { useDatabase } from "../use-database.ts";
import { makeChain } from "./make-chain.ts";

const database = useDatabase();

const graphs = {
  talk: makeChain({
    first: () => {},
    // Two questions of one node: an answer that is given twice answers both.
    ask: () => `${String(interrupt("one?"))} ${String(interrupt("two?"))}`,
    last: () => {},
  }),
};

/** What a run goes through: the first execution, and one for each answer. */
const PHASES = ["beginning", "first answer", "second answer"] as const;

const AT_ONCE = 6;

/** Of the worker that is cut off: so long the next one has to wait. That one keeps its lease, however busy the machine. */
const CUT_LEASE_MS = 500;

describe.each([
  { when: "before the server gets it", isCarriedOut: false },
  { when: "before the reply comes back", isCarriedOut: true },
])("a worker that is cut off at any command, $when", ({ isCarriedOut }) => {
  it.each(PHASES.map((phase, index) => ({ phase, index })))(
    "leaves a run at its $phase to another one, which brings it to the same end",
    async ({ index }) => {
      const uncut = await bringTo(index);
      const total = await handleCutOff(uncut, Infinity, isCarriedOut);
      expect(total).toBeGreaterThan(4);
      const cuts = Array.from({ length: total }, (_, cut) => cut);
      for (let start = 0; start < total; start += AT_ONCE) {
        await Promise.all(
          cuts.slice(start, start + AT_ONCE).map(async (cut) => {
            const runId = await bringTo(index);
            await handleCutOff(runId, cut, isCarriedOut);
            const run = await finish(runId);
            const log = await readLog(run.threadId);
            expect([cut, run.status, log]).toEqual([
              cut,
              "done",
              ["in", "first", "ask: 1 2", "last"],
            ]);
          }),
        );
      }
    },
    120_000,
  );
});

const saver = database.openSaver();
const runs = createRuns({ saver, graphs });
const handle = createRunHandler({ saver, graphs });

/** A run that has to go through a phase next. */
async function bringTo(phase: number): Promise<string> {
  const { runId } = await runs.start("talk", { log: ["in"] }, { threadId: randomUUID() });
  for (let answer = 1; answer <= phase; answer += 1) {
    await handle(runId);
    await runs.resume(runId, answer);
  }
  return runId;
}

/** Answers what a run asks, until it has ended. */
async function finish(runId: string): Promise<Run> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const run = await handle(runId);
    if (run.endedAt !== undefined || performance.now() > deadlineMs) return run;
    const [asked] = run.interrupts;
    if (asked !== undefined) await runs.resume(runId, asked.value === "one?" ? 1 : 2);
    else await sleep(100);
  }
}

/**
 * Has a worker go on with a run until it has sent so many commands, then cuts it off for ever.
 *
 * @returns how many it has sent
 */
async function handleCutOff(
  runId: string,
  commands: number,
  isCarriedOut: boolean,
): Promise<number> {
  let sent = -Infinity;
  await using proxy = await CommandProxy.start(database.uri, async (command, send) => {
    if (isOfDriver(command)) return send(command);
    sent += 1;
    const isLost = sent > commands;
    // The last one may be carried out all the same.
    if (isLost && isCarriedOut && sent === commands + 1) await send(command);
    if (isLost) throw new ConnectionLost();
    return send(command);
  });
  const client = new MongoClient(proxy.uri, { retryWrites: false, retryReads: false });
  try {
    const cut = new MongoDBSaver({
      client,
      dbName: database.name,
      retry: { deadlineMs: 0 },
    });
    await createRuns({ saver: cut, graphs }).setup();
    sent = 0;
    const leaseMs = commands === Infinity ? undefined : CUT_LEASE_MS;
    await createRunHandler({ saver: cut, graphs, leaseMs, worker: "cut off" })(runId);
  } catch {
    // As if it were gone.
  } finally {
    await client.close();
  }
  return sent;
}

async function readLog(threadId: string): Promise<unknown> {
  const tuple = await saver.getTuple({ configurable: { thread_id: threadId } });
  return tuple?.checkpoint.channel_values["log"];
}
