/** `pnpm damage-table`: damages stored threads in every way, and writes down what became of it. */
import { startMongoDB, temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { parseArgs } from "node:util";
import { damageThreads, type Result } from "./damage-threads.ts";
import { VARIANTS } from "./threads.ts";

const { values } = parseArgs({ options: { variant: { type: "string" }, every: { type: "string", default: "1" }, kind: { type: "string" }, field: {type: "string"} } });
const server = await startMongoDB();
const client = new MongoClient(server.uri);
const counts = new Map<string, number>();
const failures = new Map<string, string[]>();
let n = 0;
const t0 = Date.now();
for (const variant of VARIANTS.filter(({ name }) => values.variant === undefined || name === values.variant)) {
  const database = temporaryDatabase(client);
  const every = Number(values.every);
  for await (const { mutation, finding } of damageThreads(client, database.name, variant, (all) => { console.log(variant.name, all.length); return all.filter((m, i) => i % every === 0 && (values.kind === undefined || values.kind === m.kind) && (values.field === undefined || values.field === m.field)); })) {
    n += 1;
    counts.set(finding.verdict, (counts.get(finding.verdict) ?? 0) + 1);
    if (["wrong", "lost silently", "unwritable", "raw error"].includes(finding.verdict)) {
      const key = `${finding.verdict} | ${mutation.kind} | ${mutation.field} | ${mutation.what}`;
      failures.set(key, [...(failures.get(key) ?? []), `${variant.name}: ${finding.why.slice(0, 400)}`]);
    }
  }
  await database.drop();
}
for (const [key, why] of [...failures].toSorted()) console.log(key, why.length, "\n     ", why[0]);
console.log(counts, n, Date.now() - t0);
await client.close();
await server.stop();
export type { Result };
