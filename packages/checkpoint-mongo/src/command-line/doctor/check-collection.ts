import type { Db } from "mongodb";
import { compareIndexes } from "../../driver/ensure-indexes.ts";
import { readErrorCode } from "../../driver/server-errors.ts";
import { listThreadIndexes } from "../../store/ensure-indexes.ts";
import { measureCollection, type CollectionSize } from "../measure-collection.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatNumber } from "../terminal/format-count.ts";
import type { Finding, Patient } from "./finding.ts";

const NAMESPACE_NOT_FOUND = 26;

/** Whether the collection is there, with its indexes, and what the official saver has left beside it. */
export async function checkCollection({ client, settings }: Patient): Promise<readonly Finding[]> {
  const { databaseName, collectionName, official } = settings;
  const db = client.db(databaseName);
  const [indexes, size, officialSize] = await Promise.all([
    checkIndexes(db, collectionName, settings.config.ttlGraceSeconds ?? DEFAULT_GRACE_SECONDS),
    measureCollection(db, collectionName),
    measureCollection(db, official.checkpoints),
  ]);
  const findings: Finding[] = [
    {
      check: "Collection",
      verdict: "ok",
      found: [`${databaseName}.${collectionName}`, ...describeSize(size)].join(", "),
    },
    indexes,
  ];
  const left = officialSize.documents ?? 0;
  if (left > 0) {
    findings.push({
      check: "Official saver",
      verdict: "note",
      found: `${formatNumber(left)} checkpoints in ${databaseName}.${official.checkpoints}`,
      advice:
        "They are read in place. Threads that are written to go on in this saver's collection.",
    });
  }
  return findings;
}

function describeSize({ documents, dataBytes }: CollectionSize): readonly string[] {
  return [
    ...(documents === undefined ? [] : [`${formatNumber(documents)} documents`]),
    ...(dataBytes === undefined ? [] : [formatBytes(dataBytes)]),
  ];
}

const DEFAULT_GRACE_SECONDS = 60;

async function checkIndexes(db: Db, name: string, graceSeconds: number): Promise<Finding> {
  const check = "Indexes";
  const wanted = listThreadIndexes(graceSeconds);
  try {
    const existing = await db.collection(name).indexes();
    const { missing, different, otherExpiry } = compareIndexes(wanted, existing);
    const wrong = [
      ...missing.map((index) => `${index.name} is missing`),
      ...different.map((pair) => `${pair.name} has other options than ${pair.index.name} needs`),
      ...otherExpiry.map((pair) => `${pair.name} has another expireAfterSeconds`),
    ];
    if (wrong.length === 0)
      return { check, verdict: "ok", found: `all ${wanted.length} are there` };
    return {
      check,
      verdict: "problem",
      found: wrong.join(", "),
      advice: "Run `threadkeep setup`.",
    };
  } catch (error) {
    if (readErrorCode(error) === NAMESPACE_NOT_FOUND) {
      return {
        check,
        verdict: "warning",
        found: `There is no collection ${db.databaseName}.${name}.`,
        advice:
          "Check --db and --collection-prefix. If nothing was stored yet, run `threadkeep setup`.",
      };
    }
    return { check, verdict: "unknown", found: "This user may not list indexes." };
  }
}
