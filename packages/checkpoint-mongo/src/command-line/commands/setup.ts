import type { CommandDefinition } from "../command.ts";

/** `threadkeep setup`. */
export const setupCommand: CommandDefinition = {
  name: "setup",
  group: "Keep the database:",
  summary: "create the indexes",
  description:
    "Creates the collection of the threads and its indexes. May be run at any time, also while savers are at work",
  examples: [["setup", "before the first start, for a user who may create indexes"]],
  run: async ({ connect, present, terminal }) => {
    const { saver, settings } = await connect();
    await saver.setup();
    const { databaseName: database, collectionName: collection } = settings;
    await present({ database, collection }, () => {
      terminal.print(`${terminal.style("green", "✓")} ${database}.${collection} has its indexes.`);
    });
  },
};
