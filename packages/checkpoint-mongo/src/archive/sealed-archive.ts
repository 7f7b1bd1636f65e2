import type { DataKeys } from "../encryption/data-keys.ts";
import { deriveKey, open, seal } from "../encryption/seal.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { PlaintextRefusedError } from "../errors/plaintext-refused-error.ts";
import { UnsupportedFormatError } from "../errors/unsupported-format-error.ts";
import { takeBytes, type TakenBytes } from "./take-bytes.ts";

// An archive of an encrypted thread is an archive, compressed or not, in pieces that are each encrypted:
//
//   {"sealed":{"version":1,"thread_id":"42","epoch":0,"key_id":"2027","wrapped":"…"}}
//   length of the piece in 4 bytes, the piece; and so on
//
// The key is a random one for each archive, wrapped by the master key. A piece opens in its own place only, and below
// this first line only. The first one is the key that the thread's documents are hashed with. The last one says that
// it is the last.

/** What the first line begins with. An archive in clear text begins otherwise, compressed or not. */
const BEGINNING = '{"sealed":';

/** The version of the envelope. A reader refuses a later one. */
const ENVELOPE_VERSION = 1;

const LENGTH_BYTES = 4;
const LINE_BREAK = 0x0a;

/** Ids of threads and keys are shorter by far. A key provider may give a long wrapped key. */
const MAX_HEADER_BYTES = 1_048_576;

/** Chunks of an archive are shorter. */
const MAX_PIECE_BYTES = 32 * 1_024 * 1_024;

/** What the first line says. */
interface EnvelopeHeader {
  readonly version: number;
  readonly thread_id: string;
  readonly epoch: number;
  readonly key_id: string;
  /** The key of the archive, in base64. */
  readonly wrapped: string;
}

/** Encrypts an archive with a key of its own. */
export async function* sealArchive(
  { keys, secrets }: Pick<ThreadEncryption, "keys" | "secrets">,
  { threadId, epoch }: { readonly threadId: string; readonly epoch: number },
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { dataKey, keyId, wrapped } = await keys.makeApart({ threadId, epoch });
  const envelope: EnvelopeHeader = {
    version: ENVELOPE_VERSION,
    thread_id: threadId,
    epoch,
    key_id: keyId,
    wrapped: Buffer.from(wrapped).toString("base64"),
  };
  const header = `${BEGINNING}${JSON.stringify(envelope)}}`;
  const key = deriveKey(dataKey, PURPOSE);
  yield Buffer.from(`${header}\n`);
  yield frame(seal(key, secrets.hashKey, formatPlace(header, 0, false)));
  let index = 1;
  for await (const chunk of chunks) {
    yield frame(seal(key, chunk, formatPlace(header, index, false)));
    index += 1;
  }
  yield frame(seal(key, new Uint8Array(), formatPlace(header, index, true)));
}

/** An archive that is read, encrypted or in clear text. */
export class Envelope {
  readonly #encryption: ThreadEncryption | undefined;
  readonly #source: AsyncIterable<Uint8Array>;
  #hashKey: Uint8Array | undefined;

  constructor(encryption: ThreadEncryption | undefined, source: AsyncIterable<Uint8Array>) {
    this.#encryption = encryption;
    this.#source = source;
  }

  /**
   * What the documents of an encrypted archive are hashed with, once its first bytes were read. Nobody without the
   * master key can have put it there.
   */
  get hashKey(): Uint8Array | undefined {
    return this.#hashKey;
  }

  /**
   * The archive, decrypted. One in clear text comes as it is.
   *
   * @throws EncryptionKeyError if the key that it was encrypted with is not there
   * @throws PlaintextRefusedError if it is in clear text, and the saver encrypts and reads no clear text
   * @throws InvalidArchiveError if it was changed, or cut short
   */
  async *open(): AsyncGenerator<Uint8Array> {
    const encryption = this.#encryption;
    const bytes = takeBytes(this.#source);
    try {
      const beginning = await bytes.peek(BEGINNING.length);
      if (Buffer.from(beginning).toString("latin1") === BEGINNING) {
        yield* this.#openPieces(bytes);
        return;
      }
      if (encryption?.isPlainAllowed === false && beginning.byteLength > 0) {
        throw new PlaintextRefusedError("the archive of a thread");
      }
      yield* bytes.rest();
    } finally {
      await bytes.close();
    }
  }

  async *#openPieces(bytes: TakenBytes): AsyncGenerator<Uint8Array> {
    const line = await bytes.until(LINE_BREAK, MAX_HEADER_BYTES);
    if (line === undefined) throw new InvalidArchiveError("it is not as it was written", 1);
    const header = Buffer.from(line).toString();
    const key = deriveKey(await unwrap(this.#encryption?.keys, readHeader(header)), PURPOSE);
    for (let index = 0; ; index += 1) {
      const length = await bytes.take(LENGTH_BYTES);
      const size = length && Buffer.from(length).readUInt32BE();
      const isTooLong = size === undefined || size > MAX_PIECE_BYTES;
      const piece = isTooLong ? undefined : await bytes.take(size);
      if (piece === undefined) throw damaged(index);
      const opened = open(key, piece, formatPlace(header, index, false));
      if (opened === undefined) {
        if (open(key, piece, formatPlace(header, index, true)) === undefined) throw damaged(index);
        if ((await bytes.peek(1)).byteLength === 0) return;
        throw new InvalidArchiveError("something comes after its end");
      }
      if (index === 0) this.#hashKey = opened.bytes;
      else yield opened.bytes;
    }
  }
}

const PURPOSE = "contents of an archive";

async function unwrap(keys: DataKeys | undefined, envelope: EnvelopeHeader): Promise<Uint8Array> {
  const { thread_id: threadId, epoch, key_id: keyId, wrapped } = envelope;
  if (keys === undefined) {
    throw new EncryptionKeyError(`the archive of thread "${threadId}"`, {
      fault: "no-keys",
      keyId,
      knownKeyIds: [],
    });
  }
  return keys.openApart({ threadId, epoch }, { keyId, wrapped: Buffer.from(wrapped, "base64") });
}

function readHeader(header: string): EnvelopeHeader {
  let sealed: Partial<EnvelopeHeader> | undefined;
  try {
    sealed = { ...(JSON.parse(header) as { readonly sealed?: Partial<EnvelopeHeader> }).sealed };
  } catch {
    throw new InvalidArchiveError("it is no JSON, so this is no archive of a thread", 1);
  }
  const { version, thread_id: threadId, epoch, key_id: keyId, wrapped } = sealed;
  if (typeof version === "number" && version > ENVELOPE_VERSION) {
    throw new UnsupportedFormatError(`version ${version} of encrypted archives`, "An archive");
  }
  const isWhole =
    version === ENVELOPE_VERSION &&
    typeof threadId === "string" &&
    threadId !== "" &&
    Number.isSafeInteger(epoch) &&
    typeof keyId === "string" &&
    typeof wrapped === "string";
  if (!isWhole) throw new InvalidArchiveError("it lacks what the first line of an archive has", 1);
  return sealed as EnvelopeHeader;
}

function damaged(index: number): InvalidArchiveError {
  return new InvalidArchiveError(
    `its encrypted piece ${index + 1} is not as it was written, or was cut short`,
  );
}

function frame(piece: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(piece.byteLength);
  return Buffer.concat([length, piece]);
}

function formatPlace(header: string, index: number, isLast: boolean): string {
  return JSON.stringify(["archive", header, index, isLast]);
}
