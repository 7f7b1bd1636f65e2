/**
 * The process that gets killed. It is given a thread id and nothing else about the work. If the thread
 * has a checkpoint, it continues from there; else it begins. Then it runs to the end.
 *
 *     MONGODB_URI=… COMPANY_URL=… node worker.ts THREAD_ID
 *
 * See `worker-environment.ts` for the variables.
 */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { buildIncidentAgent } from "@threadkeep/examples/demo/agent/incident-agent";
import { createModel } from "./worker-model.ts";
import { ALERT } from "@threadkeep/examples/demo/agent/prompts";
import { CompanyClient } from "../company/company-client.ts";
import { sabotageSaver } from "../killing/sabotage.ts";
import { toModelReport } from "./model-reports.ts";
import { reportProgress } from "./worker-progress.ts";
import { readWorkerEnvironment } from "./worker-environment.ts";
import type { WorkerEvent } from "./worker-events.ts";

const threadId = process.argv[2];
if (!threadId) {
  console.error("worker: no thread id. Usage: node worker.ts THREAD_ID");
  process.exit(2);
}

// Nobody could stop a worker whose parent is gone. The parent may have ended while this was loading.
const die = (): never => process.exit(1);
process.once("disconnect", die);
if (process.send && !process.connected) die();

const { mongodbUri, dbName, companyUrl, sabotage } = readWorkerEnvironment(process.env);
const saver = MongoDBSaver.fromConnString(mongodbUri, { dbName });
if (sabotage) sabotageSaver(saver, sabotage);

const model = createModel(process.env, (event) => {
  const modelReport = toModelReport(event);
  // A killed process cannot hand in a bill at the end, so this one reports each expense at once.
  if (modelReport) report({ type: "model", report: modelReport, costs: model.costs.snapshot() });
});

const agent = buildIncidentAgent({
  model,
  company: new CompanyClient(companyUrl),
  checkpointer: saver,
});

const thread = { configurable: { thread_id: threadId } };
const saved = await saver.getTuple(thread);
const run = await agent.stream(saved ? null : { alert: ALERT }, {
  ...thread,
  // A step counts as done when its checkpoint is stored: the next one waits for that.
  durability: "sync",
  // Asking for messages has the model's answers streamed, so a kill can hit the middle of one.
  streamMode: ["tasks", "checkpoints", "messages"],
  subgraphs: true,
});
await reportProgress(saved, run, report);

await saver.close();
process.off("disconnect", die);
if (process.connected) process.disconnect();

function report(event: WorkerEvent): void {
  if (process.send) process.send(event);
  else console.log(JSON.stringify(event));
}
