import type { ArchiveStore } from "../../archive-store/archive-store.ts";
import { asUsageError } from "../command-line-error.ts";
import { nameStoreFailures } from "./name-store-failures.ts";

const EXPECTED = "expected a directory, or a bucket as s3://bucket/prefix";

/** What a URL of a bucket may say beside the bucket and the prefix. */
const S3_PARAMETERS = ["endpoint", "region"] as const;

/**
 * Opens the archive store of `--archive-store`. Its library is loaded only now.
 *
 * @param place a directory, or `s3://bucket/prefix`
 * @throws CommandLineError if it is neither, or the package for S3 is not installed
 */
export async function openArchiveStore(place: string): Promise<ArchiveStore> {
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(place) ?? [];
  if (scheme === undefined) {
    if (place === "") throw asUsageError(`--archive-store: ${EXPECTED}, got nothing.`);
    const { FileArchiveStore } = await import("../../archive-store/file-archive-store.ts");
    return nameStoreFailures(new FileArchiveStore(place), place);
  }
  if (scheme.toLowerCase() !== "s3") {
    throw asUsageError(`--archive-store: ${EXPECTED}, got ${scheme}://…`);
  }
  return openBucket(place);
}

async function openBucket(place: string): Promise<ArchiveStore> {
  const { hostname: bucket, pathname, searchParams, username } = parseUrl(place);
  if (bucket === "") throw asUsageError(`--archive-store: ${EXPECTED}, got no bucket.`);
  if (username !== "") {
    throw asUsageError(
      "--archive-store: expected no credentials in the URL. They are found as the AWS SDK finds them, for " +
        "example in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    );
  }
  const unknown = [...searchParams.keys()].find(
    (name) => !S3_PARAMETERS.some((known) => known === name),
  );
  if (unknown !== undefined) {
    throw asUsageError(
      `--archive-store: expected ${S3_PARAMETERS.join(" or ")} after the ?, got ${unknown}.`,
    );
  }
  requireSdk();
  const [endpoint, region] = S3_PARAMETERS.map((name) => searchParams.get(name) ?? undefined);
  const { S3ArchiveStore } = await import("../../archive-store/s3-archive-store.ts");
  const store = new S3ArchiveStore({
    bucket,
    prefix: decodeURIComponent(pathname.slice(1)),
    clientConfig: {
      // Services beside S3 seldom have a host name for each bucket.
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      ...(region !== undefined && { region }),
    },
  });
  return nameStoreFailures(store, place);
}

function parseUrl(place: string): URL {
  try {
    return new URL(place);
  } catch {
    throw asUsageError(`--archive-store: ${EXPECTED}, got ${JSON.stringify(place)}.`);
  }
}

/** Says so before anything is done, and not in the middle of it. */
function requireSdk(): void {
  try {
    import.meta.resolve("@aws-sdk/client-s3");
  } catch {
    throw asUsageError(
      "An archive store in S3 needs the package @aws-sdk/client-s3. Install it where " +
        "@threadkeep/checkpoint-mongo is: npm install @aws-sdk/client-s3",
    );
  }
}
