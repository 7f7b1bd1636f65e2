import { it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { compareKilled } from "./compare-runs.ts";
import { ORDERS_WRITES } from "./langgraph-version.ts";
import { expectNoDifference, listSeeds } from "./test-seeds.ts";

const database = useDatabase();
/** The oldest versions that are supported are compared too, with fewer programs. */
const SEEDS = ORDERS_WRITES ? 120 : 40;

it("any program that stops between two calls of the saver continues as with LangGraph's MemorySaver", async () => {
  const processes = { first: database.openSaver(), second: database.openSaverElsewhere() };
  await expectNoDifference(listSeeds(SEEDS), (seed) => compareKilled(seed, processes));
}, 300_000);
