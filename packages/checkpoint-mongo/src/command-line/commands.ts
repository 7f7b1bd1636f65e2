import type { CommandDefinition } from "./command.ts";
import { completionCommand } from "./commands/completion.ts";
import { copyCommand } from "./commands/copy.ts";
import { deleteCommand } from "./commands/delete.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { historyCommand } from "./commands/history.ts";
import { labelCommand } from "./commands/label.ts";
import { pruneCommand } from "./commands/prune.ts";
import { rekeyCommand } from "./commands/rekey.ts";
import { rollbackCommand } from "./commands/rollback.ts";
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
  diffCommand,
  verifyCommand,
  statsCommand,
  labelCommand,
  rollbackCommand,
  pruneCommand,
  deleteCommand,
  copyCommand,
  setupCommand,
  sweepCommand,
  rekeyCommand,
  doctorCommand,
  completionCommand,
].map((definition) => definition as CommandDefinition);
