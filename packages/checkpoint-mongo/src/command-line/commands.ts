import type { CommandDefinition } from "./command.ts";
import { completionCommand } from "./commands/completion.ts";
import { deleteCommand } from "./commands/delete.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { historyCommand } from "./commands/history.ts";
import { pruneCommand } from "./commands/prune.ts";
import { setupCommand } from "./commands/setup.ts";
import { showCommand } from "./commands/show.ts";
import { statsCommand } from "./commands/stats.ts";
import { sweepCommand } from "./commands/sweep.ts";
import { threadsCommand } from "./commands/threads.ts";
import { verifyCommand } from "./commands/verify.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandDefinition[] = [
  threadsCommand,
  showCommand,
  historyCommand,
  verifyCommand,
  statsCommand,
  pruneCommand,
  deleteCommand,
  setupCommand,
  sweepCommand,
  doctorCommand,
  completionCommand,
].map((definition) => definition as CommandDefinition);
