import type * as SdkModule from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { ArchivedObject, ArchiveStore } from "./archive-store.ts";

/**
 * What is needed of an `S3Client` of `@aws-sdk/client-s3`. The declarations of this package must not import those of
 * a package that may not be installed.
 */
export interface S3CommandSender {
  /** Sends a command. */
  send(command: never): Promise<unknown>;
}

/** Options of {@link S3ArchiveStore}. */
export interface S3ArchiveStoreOptions {
  /** The bucket. It has to be there. */
  readonly bucket: string;
  /**
   * What all keys begin with, for example `"threads/"`.
   *
   * @default ""
   */
  readonly prefix?: string | undefined;
  /**
   * An `S3Client` of `@aws-sdk/client-s3`. It is never closed.
   *
   * @default one that is made with `clientConfig`
   */
  readonly client?: S3CommandSender | undefined;
  /**
   * What `new S3Client()` is given, for example `{ region, endpoint, credentials, forcePathStyle }`. To have it
   * checked by the compiler, make the client yourself, or write `satisfies S3ClientConfig`.
   *
   * @default undefined: region and credentials are found as the AWS SDK finds them
   */
  readonly clientConfig?: object | undefined;
}

type Sdk = typeof SdkModule;

const optionsSchema = z.strictObject({
  bucket: z.string().min(3).max(255),
  prefix: z
    .string()
    .max(512)
    .regex(/^(?!\/)[\w.!/'()*-]*$/, "letters, digits and /, not at the beginning")
    .default(""),
  client: z
    .custom<S3CommandSender>(
      (value) => typeof (value as { readonly send?: unknown } | null)?.send === "function",
      { error: "a client of @aws-sdk/client-s3" },
    )
    .optional(),
  clientConfig: z
    .custom<object>((value) => typeof value === "object" && value !== null, {
      error: "what new S3Client() takes",
    })
    .optional(),
});

/** S3 wants parts of 5 MiB at least, but for the last one. */
const PART_BYTES = 8 * 1_024 * 1_024;

/**
 * An archive store in a bucket of S3, or of a service that speaks its protocol. Needs the package
 * `@aws-sdk/client-s3`, which is loaded when the store is first used.
 *
 * An object is shown by S3 when all of it was stored. Larger ones are sent in parts of 8 MiB. If a process dies in
 * between, the parts stay until the bucket's rule for incomplete uploads removes them.
 *
 * @example
 * ```ts
 * import { S3ArchiveStore } from "@threadkeep/checkpoint-mongo/archive-s3";
 *
 * const archive = new S3ArchiveStore({ bucket: "agents", prefix: "threads/" });
 * const saver = new MongoDBSaver({ client, archive });
 * ```
 */
export class S3ArchiveStore implements ArchiveStore {
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly clientConfig: object;
  private client: S3Client | undefined;

  /** @throws InvalidOptionsError if options are wrong, missing or unknown */
  constructor(options: S3ArchiveStoreOptions) {
    const { bucket, prefix, client, clientConfig } = checkOptions(
      "S3ArchiveStore",
      optionsSchema,
      options,
      { secretGroups: ["client", "clientConfig"] },
    );
    this.bucket = bucket;
    this.prefix = prefix;
    this.client = client as S3Client | undefined;
    this.clientConfig = clientConfig ?? {};
  }

  /** Stores an object, in several parts if it is large. */
  async put(key: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { sdk, client } = await this.open();
    const place = this.place(key);
    const parts = cutParts(content);
    const first = (await parts.next()).value ?? Buffer.alloc(0);
    const second = await parts.next();
    if (second.done === true) {
      const ContentLength = first.byteLength;
      await client.send(new sdk.PutObjectCommand({ ...place, Body: first, ContentLength }));
      return;
    }
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(place));
    try {
      const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
      const send = async (Body: Uint8Array): Promise<void> => {
        const PartNumber = Parts.length + 1;
        const ContentLength = Body.byteLength;
        const part = { ...place, UploadId, PartNumber, Body, ContentLength };
        const { ETag } = await client.send(new sdk.UploadPartCommand(part));
        Parts.push({ ETag, PartNumber });
      };
      await send(first);
      await send(second.value);
      for await (const part of parts) await send(part);
      await client.send(
        new sdk.CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }),
      );
    } catch (error) {
      await client
        .send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId }))
        .catch(() => undefined);
      throw error;
    }
  }

  /** Reads an object. */
  async get(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { sdk, client } = await this.open();
    try {
      const { Body } = await client.send(new sdk.GetObjectCommand(this.place(key)));
      return Body as AsyncIterable<Uint8Array> | undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Removes an object. */
  async delete(key: string): Promise<void> {
    const { sdk, client } = await this.open();
    try {
      await client.send(new sdk.DeleteObjectCommand(this.place(key)));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Lists objects, 1,000 with each request. */
  async *list(prefix = ""): AsyncGenerator<ArchivedObject> {
    const { sdk, client } = await this.open();
    const all = { Bucket: this.bucket, Prefix: `${this.prefix}${prefix}` };
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(new sdk.ListObjectsV2Command({ ...all, ContinuationToken }));
      for (const { Key = "", Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: Key.slice(this.prefix.length), bytes: Size, modifiedAt: LastModified };
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  private place(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }

  private async open(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    const sdk = await loadSdk();
    this.client ??= new sdk.S3Client(this.clientConfig);
    return { sdk, client: this.client };
  }
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import("@aws-sdk/client-s3");
  } catch (error) {
    throw new InvalidOptionsError(
      "S3ArchiveStore needs the package @aws-sdk/client-s3. Install it beside @threadkeep/checkpoint-mongo.",
      { cause: error },
    );
  }
}

async function* cutParts(
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    waiting.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < PART_BYTES) continue;
    yield Buffer.concat(waiting, bytes);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting, bytes);
  return undefined;
}

function isMissing(error: unknown): boolean {
  const { name, $metadata } = error as {
    readonly name?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown };
  };
  return (
    name === "NoSuchKey" ||
    name === "NotFound" ||
    (name !== "NoSuchBucket" && $metadata?.httpStatusCode === 404)
  );
}
