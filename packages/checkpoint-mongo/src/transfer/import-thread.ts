import { createReadStream } from "node:fs";
import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { reachStorage } from "../context/reach-saver.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { ThreadNotEmptyError } from "../errors/thread-not-empty-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { describeValue } from "../options/describe-value.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import { clearForArrival } from "../store/arriving-thread.ts";
import { bringIn } from "../archive/arrive.ts";
import { decompress } from "../archive/compression.ts";
import type { ArchiveProgress } from "./export-thread.ts";
import { openArchive, type OpenedArchive } from "../archive/read-archive.ts";
import { Envelope } from "../archive/sealed-archive.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { listFields, readThreadMetadata } from "../thread-index/metadata.ts";

/** Options of {@link importThread}. */
export interface ImportOptions {
  /**
   * The id that the thread gets.
   *
   * @default the id that it had when it was exported
   */
  readonly threadId?: string | undefined;
  /** Ends the import. Nothing of the thread is there then. */
  readonly signal?: AbortSignal | undefined;
  /** Is called now and then. */
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined;
}

/** What was imported. */
export interface ImportResult {
  /** The id that the thread has here. */
  readonly threadId: string;
  /** The id that it had when it was exported. */
  readonly sourceThreadId: string;
  /** Checkpoints of all namespaces. */
  readonly checkpoints: number;
  /** Sets of pending writes. */
  readonly writes: number;
  /** Segments: the contents of channels. */
  readonly segments: number;
  /** Bytes that were read, before they were unpacked. */
  readonly bytes: number;
}

const importSchema = z.strictObject({
  threadId: z.string().optional(),
  signal: z.instanceof(AbortSignal, { error: "an AbortSignal" }).optional(),
  onProgress: z
    .custom<(progress: ArchiveProgress) => void>((value) => typeof value === "function", {
      error: "a function that takes the progress",
    })
    .optional(),
});

/**
 * Reads a thread that {@link exportThread} wrote, and stores it. All of it is verified before any of it can be
 * seen. An import that was interrupted, by whatever, leaves no thread, and can be repeated.
 *
 * @param source the path of a file, or what gives bytes, compressed or not: a stream, or `fetch`'s `body`
 * @throws InvalidArchiveError if it is malformed, damaged, cut short or of something else: says which line
 * @throws UnsupportedFormatError if a newer version of this package has written it
 * @throws EncryptionKeyError if it was encrypted with a key that the saver does not have
 * @throws PlaintextRefusedError if it is in clear text, and the saver encrypts without `allowPlaintext`
 * @throws IntegrityKeyError if the saver lacks the key that it was hashed with, or has a key and it was
 *   hashed without one
 * @throws ThreadNotEmptyError if something of the thread is here, or is written while it is imported
 * @throws ThreadDeletedError if it was deleted, and takes no writes yet
 * @throws InvalidOptionsError if an option is wrong
 */
export async function importThread(
  saver: MongoDBSaver,
  source: string | AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const checked = checkOptions("importThread", importSchema, options);
  const asId = checked.threadId === undefined ? undefined : parseThreadId(checked.threadId);
  const reading = new ArchiveReading(openSource(source), checked);
  try {
    return await reachStorage(saver, "importThread", async (context) => {
      const envelope = new Envelope(context.store.encryption, reading.count());
      const archive = await openArchive(context, envelope, reading.unpack(envelope));
      const { thread_id: sourceThreadId } = archive.header;
      const threadId = asId ?? sourceThreadId;
      const counts = await importAs(context, threadId, archive);
      return { threadId, sourceThreadId, ...counts, bytes: reading.bytes };
    });
  } finally {
    await reading.close();
  }
}

async function importAs(
  context: SaverContext,
  threadId: string,
  { documents, header, hasher, isFromElsewhere }: OpenedArchive,
): Promise<Exclude<Awaited<ReturnType<typeof bringIn>>, "overtaken">> {
  const { store, official, deadline } = context;
  const { created_at, metadata, retention, rollbacks } = header.record;
  const fields = listFieldsAnew(context, header.record);
  if (await official.hasThread(threadId)) {
    throw new ThreadNotEmptyError(threadId, "was stored by the official saver");
  }
  const record = await clearForArrival(store, threadId, deadline);
  if (record === "occupied") throw new ThreadNotEmptyError(threadId, "is here already");
  // What was discarded can come back in the same thread only.
  const isSameThread = threadId === header.thread_id;
  const entry = {
    ...(created_at !== undefined && { created_at }),
    ...(metadata !== undefined && { metadata }),
    ...(fields !== undefined && { fields }),
    ...(retention !== undefined && { retention }),
    ...(isSameThread && rollbacks !== undefined && { rollbacks }),
  };
  const verifying = { ...context, hasher };
  const outcome = await bringIn(verifying, record, documents, entry, { isFromElsewhere });
  if (outcome !== "overtaken") return outcome;
  throw new ThreadNotEmptyError(threadId, "was written to, or imported by another call, meanwhile");
}

/** What searches find of a thread's metadata: with encryption, only this saver knows. */
function listFieldsAnew(
  { store: { encryption } }: SaverContext,
  { metadata, fields }: Pick<ThreadDocument, "metadata" | "fields">,
): readonly string[] | undefined {
  if (encryption === undefined || metadata === undefined) return fields;
  return listFields(readThreadMetadata(metadata), encryption);
}

/** The bytes of an archive, counted. */
class ArchiveReading {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #options: Pick<ImportOptions, "signal" | "onProgress">;
  #chunks: AsyncGenerator<Uint8Array> | undefined;
  bytes = 0;

  constructor(
    source: AsyncIterable<Uint8Array>,
    options: Pick<ImportOptions, "signal" | "onProgress">,
  ) {
    this.#source = source;
    this.#options = options;
  }

  /** The archive, decrypted and unpacked. */
  unpack(envelope: Envelope): AsyncIterable<Uint8Array> {
    this.#chunks ??= this.#unpack(envelope);
    return this.#chunks;
  }

  /** Lets go of the source, wherever reading has ended. */
  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
  }

  async *#unpack(envelope: Envelope): AsyncGenerator<Uint8Array> {
    const { signal, onProgress } = this.#options;
    const progress = { lines: 0, bytes: 0 };
    for await (const chunk of decompress(envelope.open())) {
      signal?.throwIfAborted();
      progress.bytes += chunk.byteLength;
      if (onProgress !== undefined) {
        for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) {
          progress.lines += 1;
        }
        onProgress({ ...progress });
      }
      yield chunk;
    }
  }

  /** The archive as it comes. */
  async *count(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.byteLength ?? 0;
      yield chunk;
    }
  }
}

function openSource(source: unknown): AsyncIterable<Uint8Array> {
  if (typeof source === "string" && source !== "") {
    return createReadStream(source) as AsyncIterable<Uint8Array>;
  }
  const iterable = source as Partial<AsyncIterable<Uint8Array>> | null | undefined;
  if (typeof source === "object" && typeof iterable?.[Symbol.asyncIterator] === "function") {
    return source as AsyncIterable<Uint8Array>;
  }
  throw new InvalidOptionsError(
    `Invalid source of importThread: expected a path or something that gives bytes, got ${describeValue(source)}.`,
  );
}
