import { S3Client } from "@aws-sdk/client-s3";
import { S3ArchiveStore } from "@threadkeep/checkpoint-mongo/archive-s3";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "s3rver";

/** A bucket of a server that speaks S3's protocol. */
export interface S3Bucket extends AsyncDisposable {
  readonly client: S3Client;
  readonly bucket: string;
  openStore(prefix?: string): S3ArchiveStore;
}

/** Starts a server with an empty bucket. */
export async function startS3(): Promise<S3Bucket> {
  const directory = await mkdtemp(join(tmpdir(), "threadkeep-s3-"));
  const bucket = "threads";
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  const client = new S3Client({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
    forcePathStyle: true,
  });
  return {
    client,
    bucket,
    openStore: (prefix) => new S3ArchiveStore({ bucket, client, ...(prefix && { prefix }) }),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
