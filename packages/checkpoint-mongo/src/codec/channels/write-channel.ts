import { parseSegmentId } from "../../documents/segment-id.ts";
import type { ChannelManifest, SlicedKind, Wrapper } from "../../documents/manifest.ts";
import { isValueEncodedAs } from "../values/compare-encoded.ts";
import { encodeChunks, encodeEntries, encodeItems, type Place } from "../items/encode-lines.ts";
import { encodeLongString, isInChunks, MAX_WHOLE_LENGTH } from "../texts/encode-long-string.ts";
import { encodeValue } from "../values/encode-value.ts";
import type { LineShadows } from "../items/line-shadows.ts";
import { measureLines } from "../items/lines.ts";
import { replayEntries } from "../items/map-entries.ts";
import type { FindKnown } from "./pieces.ts";
import { isList, isRecord } from "../values/plain-data.ts";
import { INPUT_CHANNEL, MAX_INLINE_LENGTH } from "./small-values.ts";
import { listLines, readRuns } from "./stored-runs.ts";
import { unwrap } from "./wrapped-values.ts";

/**
 * The value of a channel as text. It is made before the first await, because callers may change the value
 * right after.
 */
export type ChannelText = ChannelLines & {
  /** How the parent stores the value, if it is the same. */
  readonly sameAs: ChannelManifest | undefined;
  /** The wrapper of a list, a map or a text. */
  readonly wrapper?: Wrapper | undefined;
};

type ChannelLines =
  /** The items of an array, one line each. */
  | { readonly kind: "list"; readonly lines: readonly string[] }
  /** The entries of a plain object: the line of every key, in key order. */
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, string> }
  /** A long string in chunks. */
  | { readonly kind: "text"; readonly chunks: readonly string[] }
  /** Anything else, and any small value, as one line. */
  | { readonly kind: "value"; readonly text: string };

/** What this process knows of stored values. */
export interface StoredValues {
  readonly findKnown: FindKnown;
  /** Parsed lines to compare with. Without them, values are encoded and compared as text. */
  readonly shadows?: LineShadows | undefined;
}

/**
 * Turns the value of a channel into text. Parts that are the same as in the parent are only compared, which
 * is faster than encoding them, and use the text that is already in memory.
 *
 * @param parent how the likely parent checkpoint stores the channel, if it does
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function writeChannel(
  channel: string,
  value: unknown,
  parent: ChannelManifest | undefined,
  stored: StoredValues,
): ChannelText {
  if (channel !== INPUT_CHANNEL) {
    const { wrapper, content, path } = unwrap(value);
    const before = { parent, stored, wrapper };
    const written =
      writeList(content, before, { channel, path }) ??
      writeMap(content, before, { channel, path }) ??
      writeText(content, before);
    if (written !== undefined) return written;
  }
  return writeLine(channel, value, parent, stored);
}

/** What a value is compared with, and its wrapper. */
interface Comparison {
  readonly parent: ChannelManifest | undefined;
  readonly stored: StoredValues;
  readonly wrapper: Wrapper | undefined;
}

function writeList(
  value: unknown,
  { parent, stored, wrapper }: Comparison,
  place: Place,
): ChannelText | undefined {
  if (!isList(value)) return undefined;
  const before = readStored("list", parent, stored);
  const lines = encodeItems(value, place, before.lines, before.shadows);
  if (measureLines(lines) < MAX_INLINE_LENGTH) {
    // A wrapped value of this size is written as one line, with its wrapper.
    return wrapper === undefined ? asValue(`[${lines.join(",")}]`, parent, stored) : undefined;
  }
  stored.shadows?.note(lines);
  const isSame = before.isWholeOf(wrapper) && areEqual(lines, before.lines);
  return { kind: "list", wrapper, lines, sameAs: isSame ? parent : undefined };
}

function writeMap(
  value: unknown,
  { parent, stored, wrapper }: Comparison,
  place: Place,
): ChannelText | undefined {
  if (!isRecord(value)) return undefined;
  const before = readStored("map", parent, stored);
  const live = replayEntries(before.lines);
  const entries = encodeEntries(value, place, live, before.shadows);
  const lines = [...entries.values()];
  if (measureLines(lines) <= MAX_INLINE_LENGTH) return undefined;
  stored.shadows?.note(lines);
  // The line of an entry includes its key.
  const isSame = before.isWholeOf(wrapper) && areEqual(lines, [...live.values()]);
  return { kind: "map", wrapper, entries, sameAs: isSame ? parent : undefined };
}

function writeText(
  value: unknown,
  { parent, stored, wrapper }: Comparison,
): ChannelText | undefined {
  if (typeof value !== "string" || value.length <= MAX_WHOLE_LENGTH) return undefined;
  const before = readStored("text", parent, stored);
  if (before.isWholeOf(wrapper) && isInChunks(value, before.lines)) {
    return { kind: "text", wrapper, chunks: before.lines, sameAs: parent };
  }
  const chunks = encodeChunks(encodeLongString(value), before.lines);
  return { kind: "text", wrapper, chunks, sameAs: undefined };
}

function writeLine(
  channel: string,
  value: unknown,
  parent: ChannelManifest | undefined,
  stored: StoredValues,
): ChannelText {
  const line = readLine(parent, stored);
  const shadow = line === undefined ? undefined : stored.shadows?.make(line);
  if (shadow !== undefined && isValueEncodedAs(value, shadow.tree)) {
    return { kind: "value", text: shadow.line, sameAs: parent };
  }
  const text = encodeValue(value, channel);
  stored.shadows?.note([text]);
  return asValue(text, parent, stored);
}

function asValue(
  text: string,
  parent: ChannelManifest | undefined,
  stored: StoredValues,
): ChannelText {
  const isSame = text === readLine(parent, stored);
  return { kind: "value", text, sameAs: isSame ? parent : undefined };
}

/** The line of a value that is stored as one line. */
function readLine(
  parent: ChannelManifest | undefined,
  { findKnown }: StoredValues,
): string | undefined {
  if (parent?.kind === "inline") return parent.text;
  if (parent?.kind !== "value") return undefined;
  return findKnown(parent.segment)?.read(parseSegmentId(parent.segment))?.join("\n");
}

/** The lines of a value that is stored as slices, as far as they are in memory. */
interface StoredLines {
  readonly lines: readonly string[];
  /** Whether all lines are in memory, and the wrapper is the same. */
  readonly isWholeOf: (wrapper: Wrapper | undefined) => boolean;
  /** Undefined if the shadows of all lines would not fit at the same time. */
  readonly shadows: LineShadows | undefined;
}

function readStored(
  kind: SlicedKind,
  parent: ChannelManifest | undefined,
  { findKnown, shadows }: StoredValues,
): StoredLines {
  const runs = readRuns(kind, parent, findKnown);
  const lines = listLines(runs);
  return {
    lines,
    isWholeOf: (wrapper) =>
      parent?.kind === kind && parent.wrapper === wrapper && runs.length === parent.slices.length,
    shadows: shadows?.fits(measureLines(lines)) === true ? shadows : undefined,
  };
}

/** Equal lines are the same string by now, so this takes no time. */
function areEqual(lines: readonly string[], others: readonly string[]): boolean {
  return lines.length === others.length && lines.every((line, index) => line === others[index]);
}
