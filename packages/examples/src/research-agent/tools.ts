import { tool } from "@langchain/core/tools";
import { type CallJournal, journaledTool } from "@threadkeep/resilient-llm";
import type { Db } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** What stands in for a search engine that costs money. */
const FOUND: Readonly<Record<string, string>> = {
  "solar power": "panels cost a tenth of what they did fifteen years ago",
  "wind power": "turbines at sea run at half of their power on average",
  "tidal power": "few places have tides that are high enough",
};

const SEARCH_MS = 20;

/** `search`: it only reads, but each search is paid for. A result that is kept is not searched for again. */
export function createSearchTool(db: Db, journal: CallJournal) {
  const search = tool(
    async ({ query }) => {
      await db.collection("searches").insertOne({ query, at: new Date() });
      await sleep(SEARCH_MS);
      return FOUND[query.toLowerCase()] ?? `nothing about ${query}`;
    },
    {
      name: "search",
      description: "Searches the web.",
      schema: z.object({ query: z.string().describe("what to search for") }),
    },
  );
  return journaledTool(search, { journal, sideEffects: "none", leaseMs: 1_000 });
}

/** `publish`: it acts. The idempotency key is the same in each repetition, so a report is published once. */
export function createPublishTool(db: Db, journal: CallJournal) {
  const publish = tool(
    async ({ report }, config) => {
      const { idempotency_key: key } = config.configurable as { readonly idempotency_key: string };
      const published = { $setOnInsert: { report, at: new Date() } };
      await db.collection<{ _id: string }>("reports").updateOne({ _id: key }, published, {
        upsert: true,
      });
      return key;
    },
    {
      name: "publish",
      description: "Publishes a report.",
      schema: z.object({ report: z.string() }),
    },
  );
  return journaledTool(publish, { journal, sideEffects: "idempotent", leaseMs: 1_000 });
}
