import { temporaryDatabase } from "@threadkeep/local-mongodb";
import type { CommandStartedEvent, Document } from "mongodb";
import { beforeAll, describe, expect, it } from "vitest";
import { OTHER_COPIES, OTHER_OPTIONS, PLAIN, type ClientCase } from "./any-client/clients.ts";
import { liveThread, storeOfficial } from "./any-client/thread-life.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** A life, and the commands that it took. */
interface Life {
  readonly report: Record<string, unknown>;
  readonly commands: readonly CommandStartedEvent[];
}

/** Lives a thread's life in a database of its own. */
async function live(clientCase: ClientCase): Promise<Life> {
  const own = temporaryDatabase(database.client);
  await storeOfficial(database.client.db(own.name));
  const one = await clientCase.open(database.uri);
  const other = await clientCase.open(database.uri);
  try {
    const report = await liveThread([one, other], own.name);
    return { report, commands: [...one.takeCommands(), ...other.takeCommands()] };
  } finally {
    await one.close();
    await other.close();
    await own.drop();
  }
}

const WRITES = new Set([
  "insert",
  "update",
  "delete",
  "findAndModify",
  "bulkWrite",
  "createIndexes",
]);
const READS = new Set(["find", "aggregate", "count", "distinct"]);

/** What of a command says how sure of its outcome the saver wants to be, or lets it be less sure. */
function concernsOf(commands: readonly CommandStartedEvent[], names: ReadonlySet<string>) {
  const concerns = commands
    .filter(({ commandName }) => names.has(commandName))
    .map(({ command }) => {
      const { writeConcern, readConcern, $readPreference } = command;
      return JSON.stringify({
        writeConcern: writeConcern as unknown,
        readConcern: readConcern as unknown,
        $readPreference: ($readPreference as Document | undefined)?.["mode"] as unknown,
      });
    });
  return [...new Set(concerns)].map((concern) => JSON.parse(concern) as Document);
}

let expected: Life;

beforeAll(async () => {
  expected = await live(PLAIN);
});

describe("a thread's life", () => {
  it("is whole with the workspace's own driver", () => {
    const { report } = expected;
    const reader = report["read by a new process"] as { listed: unknown[]; damages: unknown[] };
    expect(reader.listed).toHaveLength(6);
    expect(report["read elsewhere"]).toEqual(report["read by the writer"]);
    expect(report).toMatchObject({
      damagesOfContended: [],
      damagesOfExpiring: [],
      damagesAfter: [],
      gone: undefined,
      left: [],
    });
    expect(report["official"]).toMatchObject({ filtered: [{}], listed: [{}, {}], left: [] });
    expect(report["contended"]).toHaveLength(9);
    // The second setup changed an index, and was not the first to make it.
    expect(expected.commands.map(({ commandName }) => commandName)).toContain("collMod");
    expect(report["listedAfter"]).toHaveLength(1);
  });

  it.each(OTHER_COPIES)("is the same with $name", async (clientCase) => {
    expectSameLife(await live(clientCase));
  });

  it.each(OTHER_OPTIONS)("is the same with a client of the options $name", async (clientCase) => {
    expectSameLife(await live(clientCase));
  });
});

function expectSameLife({ report, commands }: Life): void {
  expect(report).toEqual(expected.report);
  expect(commands.some(({ commandName }) => WRITES.has(commandName))).toBe(true);
  for (const concern of concernsOf(commands, WRITES)) {
    expect(concern).toMatchObject({ writeConcern: { w: "majority", j: true } });
  }
  expect(commands.some(({ commandName }) => READS.has(commandName))).toBe(true);
  for (const { readConcern, $readPreference } of concernsOf(commands, READS)) {
    expect(readConcern).toEqual({ level: "majority" });
    expect($readPreference ?? "primary").toMatch(/^primary(Preferred)?$/);
  }
}
