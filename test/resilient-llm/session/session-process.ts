/** The program of a process with a session: asks what has no answer yet, then carries out steps. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { createSession, type StepContext } from "@threadkeep/resilient-llm/session";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import type { SessionEnd, SessionOrder } from "./session-order.ts";

process.on("disconnect", () => process.exit(1));
const [order] = (await once(process, "message")) as [SessionOrder];
const { baseURL, dbName, questions, sessionId, uri } = order;

const client = new MongoClient(uri);
const session = createSession({
  sessionId,
  model: new ResilientChatModel({ models: ["talking"], baseURL, apiKey: "none" }),
  checkpointer: new MongoDBSaver({ client, dbName }),
  journal: {
    store: new MongoDBCallJournal({ client, dbName }),
    leaseMs: 150,
    everyTokens: 5,
    everyMs: 20,
  },
});
const before = await session.tryResume();
const asked = before?.messages.filter(({ type }) => type === "human").length ?? 0;
const answered = asked - (before?.unanswered.length ?? 0);
for (const question of questions.slice(answered)) await session.ask(question);
const steps = questions.map((question) => ({
  name: question,
  run: async (step: StepContext) => {
    const { variables } = step;
    variables["last"] = question;
    return (await step.ask(`again ${question}`)).text.length;
  },
}));
const results = await session.run(steps, { everyNSteps: 2 });
const texts = (await session.tryResume())?.messages.map(({ text }) => text) ?? [];
const end: SessionEnd = { texts, results };
process.send?.(end);
await client.close();
process.exit(0);
