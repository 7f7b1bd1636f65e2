import type { CommandDefinition } from "./command.ts";
import { archiveCommand } from "./commands/archive.ts";
import { completionCommand } from "./commands/completion.ts";
import { costsCommand } from "./commands/costs.ts";
import { copyCommand } from "./commands/copy.ts";
import { deleteCommand } from "./commands/delete.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { exportCommand } from "./commands/export.ts";
import { historyCommand } from "./commands/history.ts";
import { importCommand } from "./commands/import.ts";
import { labelCommand } from "./commands/label.ts";
import { migrateCommand } from "./commands/migrate.ts";
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
  costsCommand,
  labelCommand,
  rollbackCommand,
  pruneCommand,
  deleteCommand,
  copyCommand,
  exportCommand,
  importCommand,
  archiveCommand,
  migrateCommand,
  setupCommand,
  sweepCommand,
  rekeyCommand,
  doctorCommand,
  completionCommand,
].map((definition) => definition as CommandDefinition);
