import type { SaverContext } from "../context/context.ts";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { UnsupportedFormatError } from "../errors/unsupported-format-error.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { describeValue } from "../options/describe-value.ts";
import { cutLines, LineChain } from "./archive-lines.ts";
import type { Envelope } from "./sealed-archive.ts";
import type { ThreadPartDocument } from "./arrive.ts";
import { fromStoredJson } from "./stored-json.ts";
import {
  countDocument,
  FORMAT,
  FORMAT_VERSION,
  sealOf,
  type ArchiveEnd,
  type ArchiveHeader,
} from "./write-archive.ts";

/** An archive of which the first line was read. */
export interface OpenedArchive {
  readonly header: ArchiveHeader;
  /** Verifies what it holds. */
  readonly hasher: Hasher;
  /** Whether an encrypted saver of another collection has written it, which has keys of its own. */
  readonly isFromElsewhere: boolean;
  /**
   * The documents. When they have been read, all of the archive has been verified.
   *
   * @throws InvalidArchiveError if a line is not as it was written
   */
  readonly documents: AsyncIterable<ThreadPartDocument>;
}

/** What the lines between the first and the last may hold, and in which order. */
const KINDS: ReadonlyMap<string, number> = new Map<ThreadPartDocument["kind"], number>([
  ["checkpoint", 0],
  ["discarded", 0],
  ["writes", 1],
  ["segment", 2],
]);

/**
 * Reads an archive.
 *
 * @param envelope that it came in
 * @param chunks decrypted and unpacked
 * @throws InvalidArchiveError if it is no archive of a thread
 * @throws UnsupportedFormatError if a newer version of this package has written it
 */
export async function openArchive(
  context: Pick<SaverContext, "store" | "hasher">,
  envelope: Pick<Envelope, "hashKey">,
  chunks: AsyncIterable<Uint8Array>,
): Promise<OpenedArchive> {
  const lines = cutLines(chunks);
  const chain = new LineChain();
  const first = await lines.next();
  if (first.done === true) throw new InvalidArchiveError("it is empty");
  const header = readHeader(first.value, chain, context);
  const { hashKey } = envelope;
  const own = context.store.encryption?.secrets.hashKey;
  const isFromElsewhere =
    hashKey !== undefined && (own === undefined || Buffer.compare(own, hashKey) !== 0);
  const hasher = isFromElsewhere ? context.hasher.with(hashKey) : context.hasher;
  const documents = readRest({ ...context, hasher }, header, chain, lines);
  return { header, hasher, isFromElsewhere, documents };
}

/** Something is said of the format before the line is verified: a newer one may be hashed otherwise. */
function readHeader(
  line: string,
  chain: LineChain,
  { store }: Pick<SaverContext, "store">,
): ArchiveHeader {
  let parsed: { readonly archive?: { readonly format?: unknown; readonly version?: unknown } };
  try {
    parsed = { ...(JSON.parse(line) as object) };
  } catch {
    throw new InvalidArchiveError("it is no JSON, so this is no archive of a thread", 1);
  }
  const { format, version } = { ...parsed.archive };
  if (format !== FORMAT) {
    throw new InvalidArchiveError(`it does not say that this is an archive of a thread`, 1);
  }
  if (typeof version === "number" && version > FORMAT_VERSION) {
    throw new UnsupportedFormatError(`version ${version} of the format`, "An archive");
  }
  const read = chain.read(line);
  if (read === undefined) throw new InvalidArchiveError("it is not as it was written", 1);
  const header = decode(read["archive"], store.Binary, 1) as Partial<ArchiveHeader>;
  const isWhole =
    version === FORMAT_VERSION &&
    typeof header.thread_id === "string" &&
    header.thread_id !== "" &&
    typeof header.record === "object";
  if (!isWhole) throw new InvalidArchiveError("it lacks what the first line of an archive has", 1);
  return header as ArchiveHeader;
}

async function* readRest(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  header: ArchiveHeader,
  chain: LineChain,
  lines: AsyncGenerator<string>,
): AsyncGenerator<ThreadPartDocument> {
  const counts = { checkpoints: 0, writes: 0, segments: 0 };
  const { thread_id: threadId } = header;
  let line = 1;
  let isEnded = false;
  let reached = 0;
  for await (const text of lines) {
    line += 1;
    if (isEnded) throw new InvalidArchiveError("it comes after the end of the archive", line);
    const before = chain.hash;
    const read = chain.read(text);
    if (read === undefined) {
      throw new InvalidArchiveError("it is not as it was written, or was cut short", line);
    }
    const [kind = "", ...others] = Object.keys(read);
    if (kind === "end" && others.length === 0) {
      const end = decode(read["end"], store.Binary, line) as Partial<ArchiveEnd>;
      const { seal } = end;
      const sealed = hasher.hashArchive(threadId, sealOf(before, counts), seal?.key_name);
      if (Buffer.from(sealed).toString("hex") !== seal?.hash) {
        throw new InvalidArchiveError("it does not confirm the lines before it", line);
      }
      isEnded = true;
      continue;
    }
    const order = KINDS.get(kind);
    if (order === undefined || others.length > 0) {
      throw new InvalidArchiveError(
        `it holds a ${describeValue(kind)}, which no archive has`,
        line,
      );
    }
    if (order < reached) throw new InvalidArchiveError("it is not in its place", line);
    reached = order;
    const document = decode(read[kind], store.Binary, line) as ThreadPartDocument["document"];
    const part = { kind, document, line } as ThreadPartDocument;
    const isOwn = document.kind === kind && document.thread_id === threadId;
    if (!isOwn) throw new InvalidArchiveError("it holds a document of something else", line);
    countDocument(counts, part);
    yield part;
  }
  if (!isEnded) {
    throw new InvalidArchiveError("the archive was cut short before it", line + 1);
  }
}

function decode(json: unknown, Binary: SaverContext["store"]["Binary"], line: number): object {
  let value: unknown;
  try {
    value = fromStoredJson(json, Binary);
  } catch (error) {
    const problem = error instanceof Error ? error.message : "it cannot be read";
    throw new InvalidArchiveError(problem, line, { cause: error });
  }
  if (typeof value === "object" && value !== null) return value;
  throw new InvalidArchiveError(`it holds ${describeValue(value)} in place of an object`, line);
}
