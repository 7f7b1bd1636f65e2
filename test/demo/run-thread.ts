import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { MongoClient } from "mongodb";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Outage, type OutagePlan } from "./model-server/outage.ts";
import { ScriptedModelServer, type ModelPace } from "./model-server/scripted-model-server.ts";
import { SCRIPTED_CHAIN } from "./worker/worker-model.ts";
import { CompanyServer } from "./company/company-server.ts";
import type { KillPoint } from "./killing/kill-point.ts";
import type { Sabotage } from "./killing/sabotage.ts";
import { runWithKills, type RunObserver } from "./killing/supervisor.ts";
import { incidentScript } from "@threadkeep/examples/demo/incident-script";
import type { RunEvidence } from "./proofs/proof.ts";
import type { ModelCall } from "./recording/model-call.ts";
import { RecordingProxy } from "./recording/recording-proxy.ts";
import { writeWorkerEnvironment } from "./worker/worker-environment.ts";

/** A thread to run, and what is to happen to it. */
export interface ThreadRun {
  threadId: string;
  /** Where the workers connect to. */
  mongodbUri: string;
  /** Reads the thread's checkpoints from the same server. */
  client: MongoClient;
  dbName: string;
  /** Where the worker is killed. */
  killPoints: readonly KillPoint[];
  /**
   * The model's server: an OpenAI-compatible one, or the scripted one at some pace, whose first model
   * fails as planned.
   */
  model: { baseUrl: string; apiKey: string } | { scripted: ModelPace; outage?: OutagePlan };
  sabotage?: Sabotage | undefined;
  observer?: RunObserver & { onCall?(call: ModelCall): void };
  /** Ends the run early; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
}

/**
 * Runs the incident agent on a thread, in processes that are killed as planned, between servers
 * that live on in this process, and returns what the servers and the database saw. Whatever
 * happens, it leaves no process and no server behind; the database is the caller's.
 */
export async function runThread(options: ThreadRun): Promise<RunEvidence> {
  const { threadId, client, dbName, model, observer, signal } = options;
  const saver = new MongoDBSaver({ client, dbName });
  await saver.setup();

  const company = new CompanyServer();
  const scripted =
    "scripted" in model
      ? new ScriptedModelServer(incidentScript, model.scripted, new Outage(model.outage))
      : undefined;
  try {
    const upstream = "baseUrl" in model ? model.baseUrl : await scripted?.start();
    const proxy = new RecordingProxy(upstream ?? "");
    if (observer?.onCall) proxy.log.on("change", (call) => observer.onCall?.(call));
    try {
      const environment = {
        ...writeWorkerEnvironment({
          mongodbUri: options.mongodbUri,
          dbName,
          companyUrl: await company.start(),
          sabotage: options.sabotage,
        }),
        OPENAI_BASE_URL: await proxy.start(),
        OPENAI_API_KEY: "apiKey" in model ? model.apiKey : "scripted",
        ...(scripted && { OPENAI_MODEL: SCRIPTED_CHAIN.join(",") }),
      };
      const run = await runWithKills({
        threadId,
        killPoints: options.killPoints,
        proxy,
        saver,
        environment,
        ...(observer && { observer }),
        signal,
      });
      const history: CheckpointTuple[] = [];
      for await (const tuple of saver.list({ configurable: { thread_id: threadId } }))
        history.push(tuple);
      return {
        run,
        calls: proxy.log.calls,
        refused: scripted?.outage.refused,
        ledger: company.ledger.entries,
        history,
      };
    } finally {
      await proxy.stop();
    }
  } finally {
    await scripted?.stop();
    await company.stop();
  }
}
