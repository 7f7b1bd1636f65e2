import "./check-node.ts";
export {
  migrate,
  type FailedMigration,
  type MigrationOptions,
  type MigrationProgress,
  type MigrationResult,
} from "./migrate/migrate.ts";
