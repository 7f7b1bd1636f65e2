import {
  formatSegmentId,
  nameWhole,
  parseSegmentId,
  type SegmentId,
} from "../../documents/segment-id.ts";
import { packAppended, REFERRED_BYTES } from "./append-stream.ts";
import type { PackedBytes } from "../../documents/packed-bytes.ts";
import type { SegmentToStore } from "../../documents/segment.ts";
import { packAside } from "../bytes/compression.ts";
import { lendContent } from "./content-buffer.ts";
import { hashInPieces } from "./hash-content.ts";
import { KnownSegment } from "./known-segment.ts";
import { LINE_BREAK } from "../items/lines.ts";

/** The content of a segment: items, or bytes of a user's serializer. */
type Content = KnownSegment | { readonly bytes: Uint8Array };

/** A segment that was just encoded: to be stored, and known from then on. */
export interface Segment<Known extends Content = Content> extends SegmentToStore {
  /** The items to store; undefined for bytes of a user's serializer. */
  readonly lines: readonly string[] | undefined;
  /** What is known of it after it is stored. */
  readonly known: Known;
}

/** Creates the segment of these items. */
export async function createSegment(lines: readonly string[]): Promise<Segment<KnownSegment>> {
  const id = await lendContent(lines, nameContent);
  const { root, length } = parseSegmentId(id);
  const known = new KnownSegment(root, lines, { counts: [lines.length], lengths: [length] });
  return { id, lines, known, pack: () => lendContent(lines, packCopy) };
}

function nameContent(content: Uint8Array): SegmentId | Promise<SegmentId> {
  const { byteLength } = content;
  const hash = hashInPieces(content);
  return hash instanceof Promise
    ? hash.then((found) => nameWhole(found, byteLength))
    : nameWhole(hash, byteLength);
}

function packCopy(content: Uint8Array): PackedBytes | Promise<PackedBytes> {
  const packed = packAside(content);
  return packed instanceof Promise
    ? packed.then((own) => detach(own, content))
    : detach(packed, content);
}

function detach(packed: PackedBytes, content: Uint8Array): PackedBytes {
  return packed.data === content ? { ...packed, data: Buffer.from(content) } : packed;
}

/** Creates a segment of bytes of a user's serializer. */
export async function createSegmentOfBytes(bytes: Uint8Array): Promise<Segment> {
  const id = await nameContent(bytes);
  return { id, lines: undefined, known: { bytes }, pack: () => packAside(bytes) };
}

/** Appends items to a segment whose stored state is the known one. */
export function appendToSegment(
  known: KnownSegment,
  lines: readonly string[],
): Segment<KnownSegment> {
  const content = Buffer.from(LINE_BREAK + lines.join(LINE_BREAK));
  const after = known.append(lines, content);
  return {
    id: formatSegmentId(after.name),
    lines,
    known: after,
    pack: () => ({
      data: packAppended(content, known.readEnd(REFERRED_BYTES)),
      compression: "deflate",
    }),
  };
}
