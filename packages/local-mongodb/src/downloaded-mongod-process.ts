/**
 * Finds or downloads a mongod and sends its path to the parent. A process of its own because a
 * download that has begun cannot be stopped in any other way.
 */
import { MongoBinary } from "mongodb-memory-server";

/** What is sent to the parent, once. */
export type DownloadOutcome = { readonly path: string } | { readonly failure: string };

process.on("disconnect", () => process.exit(1));

const outcome: DownloadOutcome = await MongoBinary.getPath().then(
  (path) => ({ path }),
  (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
);
process.send?.(outcome, () => process.exit(0));
