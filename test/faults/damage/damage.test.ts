import { expect, it } from "vitest";
import { useDatabase } from "../../checkpoint-mongo/use-database.ts";
import { chooseSome } from "./choose-some.ts";
import { damageThreads, type Result } from "./damage-threads.ts";
import { listFailures, toTable } from "./table.ts";
import { VARIANTS } from "./threads.ts";

/** Mutations of each variant. `pnpm damage-table` makes all of them. */
const SAMPLE = 12;
const SEED = 1;

const database = useDatabase();

it(
  "damage is noticed on read or by verifyThread, or harmless: nothing wrong is returned, nothing lost " +
    "silently, no thread unwritable without the reason, no error raw",
  { timeout: 300_000 },
  async () => {
    const results: Result[] = [];
    for (const [index, variant] of VARIANTS.entries()) {
      const choose = <T>(mutations: readonly T[]) => chooseSome(mutations, SAMPLE, SEED);
      const name = `${database.name}_${index}`;
      const damaged = damageThreads(database.client, name, variant, choose);
      for await (const result of damaged) results.push(result);
      await database.client.db(name).dropDatabase();
    }
    console.log(toTable(results));
    expect(results.length).toBeGreaterThan(SAMPLE * 4);
    expect(listFailures(results)).toEqual([]);
  },
);
