import crypto from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { WritableStream } from "node:stream/web";
import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { reachStorage } from "../context/reach-saver.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { describeValue } from "../options/describe-value.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import type { DocumentCounts } from "../archive/arrive.ts";
import { checkCompression, compress, type ArchiveCompression } from "../archive/compression.ts";
import { sealArchive } from "../archive/sealed-archive.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { requireThread, writeLines } from "../archive/write-archive.ts";

/** How far an export or an import has come. */
export interface ArchiveProgress {
  /** Lines of the archive so far. */
  readonly lines: number;
  /** Bytes of them, before compression. */
  readonly bytes: number;
}

/** Options of {@link exportThread}. */
export interface ExportOptions {
  /**
   * How the archive is compressed. An import finds out by itself.
   *
   * @default "none"
   */
  readonly compression?: ArchiveCompression | undefined;
  /** Ends the export. What was written so far is not a whole archive, and no import takes it. */
  readonly signal?: AbortSignal | undefined;
  /** Is called now and then. */
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined;
}

/** What was exported. */
export interface ExportResult {
  /** The thread. */
  readonly threadId: string;
  /** Checkpoints of all namespaces. */
  readonly checkpoints: number;
  /** Sets of pending writes. */
  readonly writes: number;
  /** Segments: the contents of channels. */
  readonly segments: number;
  /** Bytes that were written, after compression. */
  readonly bytes: number;
}

const exportSchema = z.strictObject({
  compression: z.enum(["none", "gzip", "zstd"]).default("none"),
  signal: z.instanceof(AbortSignal, { error: "an AbortSignal" }).optional(),
  onProgress: z
    .custom<(progress: ArchiveProgress) => void>((value) => typeof value === "function", {
      error: "a function that takes the progress",
    })
    .optional(),
});

/** Checked options. */
interface CheckedExport {
  readonly compression: ArchiveCompression;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined;
}

/** Lines are handed on in chunks of about this size. */
const CHUNK_BYTES = 65_536;

/**
 * Writes a thread with all of its checkpoints and pending writes as lines of JSON. An encrypted saver encrypts them,
 * with a key that its master key opens. Others may write to the thread meanwhile; then the archive holds what was there when the export came to it.
 *
 * @param target the path of a file, or a stream. A file appears when it is complete. A stream is ended, but
 *   not the standard output
 * @throws ThreadNotFoundError if the thread is not there
 * @throws CorruptCheckpointError if a checkpoint is damaged, or something that it needs is missing
 * @throws InvalidOptionsError if an option is wrong, or this runtime lacks zstd and is asked for it
 */
export async function exportThread(
  saver: MongoDBSaver,
  threadId: string,
  target: string | NodeJS.WritableStream | WritableStream<Uint8Array>,
  options: ExportOptions = {},
): Promise<ExportResult> {
  const id = parseThreadId(threadId);
  const checked = readOptions("exportThread", options);
  if (typeof target === "string") {
    if (target === "") throw invalidTarget(target);
    const partial = `${target}.partial-${crypto.randomUUID()}`;
    try {
      const result = await reachStorage(saver, "exportThread", (context) =>
        exportTo(context, id, () => createWriteStream(partial, { flags: "wx" }), checked),
      );
      await flush(partial);
      await rename(partial, target);
      return result;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }
  const stream = toWritable(target);
  return reachStorage(saver, "exportThread", (context) =>
    exportTo(context, id, () => stream, checked),
  );
}

/**
 * The same as {@link exportThread}, as chunks that are made when they are asked for.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws CorruptCheckpointError if a checkpoint is damaged, or something that it needs is missing
 * @throws InvalidOptionsError if an option is wrong
 */
export async function* streamThread(
  saver: MongoDBSaver,
  threadId: string,
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array, ExportResult> {
  const id = parseThreadId(threadId);
  const checked = readOptions("streamThread", options);
  const context = await reachStorage(saver, "streamThread", async (one) => {
    // If it is in the archive store, this brings it back.
    await requireThread(one, id);
    return one;
  });
  const writing = new ArchiveWriting(context, id, checked);
  yield* writing.chunks();
  return writing.result;
}

async function exportTo(
  context: SaverContext,
  threadId: string,
  openTarget: () => Writable,
  options: CheckedExport,
): Promise<ExportResult> {
  // Nothing is opened for a thread that is not there.
  await requireThread(context, threadId);
  const writing = new ArchiveWriting(context, threadId, options);
  const target = openTarget();
  const { signal } = options;
  const isStandard = target === process.stdout || target === process.stderr;
  try {
    await pipeline(Readable.from(writing.chunks()), target, {
      end: !isStandard,
      ...(signal && { signal }),
    });
  } catch (error) {
    // The caller's own reason says more than that it was aborted.
    signal?.throwIfAborted();
    throw error;
  }
  return writing.result;
}

/** The chunks of an archive, counted. */
export class ArchiveWriting {
  readonly #context: SaverContext;
  readonly #threadId: string;
  readonly #options: CheckedExport;
  #counts: DocumentCounts = { checkpoints: 0, writes: 0, segments: 0 };
  #bytes = 0;

  constructor(context: SaverContext, threadId: string, options: CheckedExport) {
    this.#context = context;
    this.#threadId = threadId;
    this.#options = options;
  }

  /** What was written, after the last chunk. */
  get result(): ExportResult {
    return { threadId: this.#threadId, ...this.#counts, bytes: this.#bytes };
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of await this.#seal()) {
      this.#bytes += chunk.byteLength;
      yield chunk;
    }
  }

  /** What is encrypted in the database is encrypted in the archive. */
  async #seal(): Promise<AsyncIterable<Uint8Array>> {
    const record = await requireThread(this.#context, this.#threadId);
    const chunks = compress(this.#plain(record), this.#options.compression);
    const { encryption } = this.#context.store;
    if (encryption === undefined) return chunks;
    return sealArchive(encryption, { threadId: this.#threadId, epoch: record.epoch }, chunks);
  }

  async *#plain(record: ThreadDocument): AsyncGenerator<Uint8Array> {
    const { signal, onProgress } = this.#options;
    const lines = writeLines(this.#context, record);
    let progress = { lines: 0, bytes: 0 };
    let waiting = "";
    for (;;) {
      signal?.throwIfAborted();
      const next = await lines.next();
      if (next.done === true) {
        this.#counts = next.value;
        break;
      }
      waiting += next.value;
      progress = { lines: progress.lines + 1, bytes: progress.bytes + next.value.length };
      if (waiting.length < CHUNK_BYTES) continue;
      yield Buffer.from(waiting);
      waiting = "";
      onProgress?.(progress);
    }
    if (waiting !== "") yield Buffer.from(waiting);
    onProgress?.(progress);
  }
}

function readOptions(owner: string, options: unknown): CheckedExport {
  const checked = checkOptions(owner, exportSchema, options);
  checkCompression(owner, checked.compression);
  return checked;
}

function toWritable(target: unknown): Writable {
  const stream = target as
    | { readonly write?: unknown; readonly end?: unknown; readonly getWriter?: unknown }
    | null
    | undefined;
  if (typeof stream?.getWriter === "function") return Writable.fromWeb(target as WritableStream);
  if (typeof stream?.write === "function" && typeof stream.end === "function") {
    return target as Writable;
  }
  throw invalidTarget(target);
}

function invalidTarget(target: unknown): InvalidOptionsError {
  return new InvalidOptionsError(
    `Invalid target of exportThread: expected a path or a writable stream, got ${describeValue(target)}.`,
  );
}

async function flush(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
