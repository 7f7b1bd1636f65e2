import type { BinaryClass } from "../driver/binary-class.ts";
import { isBinary, toBytes, type StoredBytes } from "../driver/binary.ts";
import { isSealed, toSealedBinary, toSealedBytes } from "../documents/sealed-bytes.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { PlaintextRefusedError } from "../errors/plaintext-refused-error.ts";
import type { RunDocument } from "./run-document.ts";
import type { ValuePlace } from "./run-values.ts";

// A run outlives its thread, and is stored before there is one. So what it holds is encrypted with the key that all
// threads share, and not with that of its thread.

type Encryption = Pick<ThreadEncryption, "secrets" | "isPlainAllowed">;

/** Encrypts a value of a run for its place. */
export function sealValue(
  { secrets }: Encryption,
  Binary: BinaryClass,
  place: ValuePlace,
  bytes: Uint8Array,
): StoredBytes {
  return toSealedBinary(secrets.seal(bytes, formatPlace(place)), Binary);
}

/**
 * Decrypts a value of a run, if it is encrypted.
 *
 * @throws PlaintextRefusedError if it lies in clear text where it must not
 * @throws EncryptionKeyError if it is encrypted, and the saver has no keys
 * @throws Error if it was not encrypted for this place
 */
export function openValue(
  encryption: Encryption | undefined,
  place: ValuePlace,
  stored: StoredBytes,
): Uint8Array {
  const what = `the ${place.part} of run "${place.runId}"`;
  if (!isSealed(stored)) {
    if (encryption !== undefined && !encryption.isPlainAllowed)
      throw new PlaintextRefusedError(what);
    return toBytes(stored);
  }
  if (encryption === undefined) {
    throw new EncryptionKeyError(what, { fault: "no-keys", keyId: undefined, knownKeyIds: [] });
  }
  const opened = encryption.secrets.open(toSealedBytes(stored), formatPlace(place));
  if (opened === undefined) throw new Error("It was not encrypted for this place.");
  return opened;
}

type RunError = NonNullable<RunDocument["error"]>;

/** An error of a run as it is stored: its message may quote what the run works on. */
export function sealError(
  encryption: Encryption | undefined,
  Binary: BinaryClass,
  runId: string,
  error: unknown,
): unknown {
  if (encryption === undefined || typeof error !== "object" || error === null) return error;
  const { message } = error as RunError;
  if (typeof message !== "string") return error;
  return {
    ...error,
    message: toSealedBinary(
      encryption.secrets.seal(Buffer.from(message), formatError(runId)),
      Binary,
    ),
  };
}

/** What a run says of its error; a message that does not open says so. Nothing depends on it. */
export function openError(
  encryption: Encryption | undefined,
  { _id: runId, error }: Pick<RunDocument, "_id" | "error">,
): RunError | undefined {
  const message: unknown = error?.message;
  if (error === undefined || !isBinary(message)) return error;
  const opened = encryption?.secrets.open(toSealedBytes(message), formatError(runId));
  return { ...error, message: opened ? Buffer.from(opened).toString() : "(encrypted)" };
}

function formatPlace({ runId, threadId, part, turn }: ValuePlace): string {
  return JSON.stringify(["run", runId, threadId, part, turn]);
}

function formatError(runId: string): string {
  return JSON.stringify(["error of a run", runId]);
}
