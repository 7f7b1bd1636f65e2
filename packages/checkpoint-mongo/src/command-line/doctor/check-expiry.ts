import { openDatabase } from "../../driver/open-database.ts";
import { askServer } from "./ask-server.ts";
import { formatSpan } from "../terminal/format-time.ts";
import type { Finding, Patient } from "./finding.ts";

/** A server removes what has expired once in a minute. It may be busy for some. */
const MAX_DELAY_MS = 10 * 60_000;

/** Whether the server removes what has expired. */
export async function checkExpiry({ client, settings }: Patient): Promise<readonly Finding[]> {
  const check = "TTL monitor";
  const { databaseName, collectionName, config } = settings;
  const parameter = await askServer(client.db("admin"), { getParameter: 1, ttlMonitorEnabled: 1 });
  if (parameter?.["ttlMonitorEnabled"] === false) {
    return [
      {
        check,
        verdict: "problem",
        found: "switched off",
        advice: "Nothing that expires is removed. Start the server with ttlMonitorEnabled=true.",
      },
    ];
  }
  const graceMs = (config.ttlGraceSeconds ?? 60) * 1_000;
  const { localTime } = await client.db("admin").command({ hello: 1 });
  const nowMs = localTime instanceof Date ? localTime.getTime() : Date.now();
  // The index has an entry for each document that may expire: the first is the oldest.
  const [oldest] = await openDatabase(client, databaseName)
    .collection(collectionName)
    .find({ expires_at: { $lt: new Date(nowMs - graceMs - MAX_DELAY_MS) } })
    .project<{ expires_at: Date }>({ _id: 0, expires_at: 1 })
    .sort({ expires_at: 1 })
    .limit(1)
    .toArray();
  if (oldest !== undefined) {
    const lateMs = nowMs - graceMs - oldest.expires_at.getTime();
    return [
      {
        check,
        verdict: "problem",
        found: `documents that should have been removed ${formatSpan(lateMs)} ago are still there`,
        advice: "Look at ttlMonitorEnabled, and at whether the server is overloaded.",
      },
    ];
  }
  const isKnown = parameter?.["ttlMonitorEnabled"] === true;
  return [
    { check, verdict: "ok", found: isKnown ? "on; nothing is overdue" : "nothing is overdue" },
  ];
}
