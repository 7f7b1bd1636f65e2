import { it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { compareUndisturbed } from "./compare-runs.ts";
import { expectNoDifference, listSeeds } from "./test-seeds.ts";

const database = useDatabase();

it("any program leads to the same streams, states and history as with LangGraph's MemorySaver", async () => {
  const processes = { first: database.openSaver(), second: database.openSaverElsewhere() };
  await expectNoDifference(listSeeds(), (seed) => compareUndisturbed(seed, processes));
}, 600_000);
