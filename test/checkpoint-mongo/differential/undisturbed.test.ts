import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { compareUndisturbed } from "./compare-runs.ts";
import { expectNoDifference, listSeeds } from "./test-seeds.ts";

const database = useDatabase();
// A run that continues after a kill is a run too: `killed.test.ts` takes all seeds each time.
const SEEDS = 40;

it("any program leads to the same streams, states and history as with LangGraph's MemorySaver", async () => {
  const processes = { first: database.openSaver(), second: database.openSaverElsewhere() };
  await expectNoDifference(listSeeds(SEEDS), (seed) => compareUndisturbed(seed, processes));
}, 240_000);

it("with write-behind, any program leads to the same", async () => {
  const batch = { maxCheckpoints: 4 };
  const first = new MongoDBSaver({ client: database.client, dbName: database.name, batch });
  // Of the same process: it sees what is buffered.
  const second = new MongoDBSaver({ client: database.client, dbName: database.name });
  await expectNoDifference(listSeeds(SEEDS / 8), (seed) =>
    compareUndisturbed(seed, { first, second }, "buffered"),
  );
  await first.flush();
}, 240_000);
