import type { Db } from "mongodb";
import type { Desk } from "./announcement-graph.ts";

/** What was published, once for each run. */
interface Published {
  readonly _id: string;
  readonly text: string;
}

/** How patient the desk is. */
export type Patience = Pick<Desk, "patienceMs" | "maxReminders" | "holdBackMs">;

/** A desk that prints its reminders, and publishes into a collection. Put your mail or chat here. */
export function openDesk(db: Db, patience: Patience): Desk {
  const published = db.collection<Published>("published");
  return {
    ...patience,
    remind: async (runId, draft, reminder) => {
      console.log(`${runId}: reminder ${reminder}: may this be published? ${draft}`);
    },
    publish: async (runId, text) => {
      // By the run's id: if the process dies behind this and it is done again, it is there once.
      await published.updateOne({ _id: runId }, { $setOnInsert: { text } }, { upsert: true });
      console.log(`${runId}: published: ${text}`);
    },
  };
}
