import type { CommandStartedEvent, Db, Document, MongoClient } from "mongodb";

interface ExplainedQuery {
  readonly executionStats: { readonly totalDocsExamined: number };
}

type Explained =
  | ExplainedQuery
  | { readonly stages: readonly [{ readonly $cursor: ExplainedQuery }] };

/**
 * Does something and asks the server to explain the queries sent for it: how many documents they
 * examined.
 *
 * @param client made with `monitorCommands: true`
 */
export async function countExamined(
  client: MongoClient,
  db: Db,
  work: () => Promise<unknown>,
): Promise<number> {
  const queries: Document[] = [];
  const record = ({ command }: CommandStartedEvent): void => {
    if (!("find" in command || "aggregate" in command)) return;
    const { lsid: _session, $clusterTime: _time, $db: _database, ...query } = command;
    queries.push(query);
  };
  client.on("commandStarted", record);
  try {
    await work();
  } finally {
    client.off("commandStarted", record);
  }
  let examined = 0;
  for (const explain of queries) {
    const explained = (await db.command({ explain, verbosity: "executionStats" })) as Explained;
    // Of an aggregation, the first stage is the query.
    const query = "stages" in explained ? explained.stages[0].$cursor : explained;
    examined += query.executionStats.totalDocsExamined;
  }
  return examined;
}
