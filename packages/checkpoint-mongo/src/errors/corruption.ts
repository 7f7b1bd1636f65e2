/** What kind of document is damaged. */
export type DamagedDocument = "checkpoint" | "segment" | "write" | "thread";

/** What every fault says about itself, for messages and reports. Programs go by `reason`. */
export interface DescribedFault {
  /** For people: what was expected, for example `it to exist`. */
  readonly expected: string;
  /** For people: what was found instead, for example `nothing`. */
  readonly found: string;
}

/** A fault of a document as a whole, not of one of its fields. */
export interface WholeDocumentFault extends DescribedFault {
  /** Always undefined. So `field` can be read from every {@link Fault}. */
  readonly field?: undefined;
}

/** A document that has to be there is not there. */
export interface MissingFault extends WholeDocumentFault {
  /** Tells the kinds of faults apart. */
  readonly reason: "missing";
}

/** A field does not hold what this package writes there. */
export interface WrongFieldFault extends DescribedFault {
  /**
   * - `wrong-address`: the field is part of the document's address, which is not where it lies
   * - `wrong-field`: any other field
   */
  readonly reason: "wrong-address" | "wrong-field";
  /** The name of the field in the stored document. */
  readonly field: string;
}

/** The content has another hash than the one it was stored with. */
export interface WrongHashFault extends WholeDocumentFault {
  /** Tells the kinds of faults apart. */
  readonly reason: "wrong-hash";
}

/** The content cannot be unpacked or decoded. */
export interface NotDecodableFault extends WholeDocumentFault {
  /** Tells the kinds of faults apart. */
  readonly reason: "not-decodable";
}

/** The content is longer than `maxContentBytes` allows. */
export interface TooLargeFault extends WholeDocumentFault {
  /** Tells the kinds of faults apart. */
  readonly reason: "too-large";
  /** The limit, `maxContentBytes`. */
  readonly limitBytes: number;
}

/** A newer version of this package has written it. Only `verifyThread` reports it this way. */
export interface UnknownFormatFault extends WholeDocumentFault {
  /** Tells the kinds of faults apart. */
  readonly reason: "unknown-format";
}

/** What is wrong with something that is stored, told apart by `reason`. */
export type Fault =
  | MissingFault
  | WrongFieldFault
  | WrongHashFault
  | NotDecodableFault
  | TooLargeFault
  | UnknownFormatFault;

/** Which document is damaged. */
export interface NamedDocument {
  /** What kind of document it is. */
  readonly document: DamagedDocument;
  /** Which one, for example a segment's id or a checkpoint's id. */
  readonly which: string;
}

/** Which stored document is not as it was written, and how; told apart by `reason`. */
export type Corruption = NamedDocument & Fault;

/** The fields that say where a document lies. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set([
  "_id",
  "thread_id",
  "checkpoint_ns",
  "checkpoint_id",
  "checkpoint",
  "task_id",
  "kind",
  "segment",
  "part",
  "idx",
]);

/** Something has to be there and is not. */
export function asMissing(found = "nothing", expected = "it to exist"): MissingFault {
  return { reason: "missing", expected, found };
}

/** A field holds something else than it should. */
export function asWrongField({ field, expected, found }: Omit<WrongFieldFault, "reason">): Fault {
  const reason = ADDRESS_FIELDS.has(field) ? "wrong-address" : "wrong-field";
  return { reason, field, expected, found };
}

/**
 * The content has another hash than it was stored with.
 *
 * @param expected in hex
 * @param found in hex
 */
export function asWrongHash(expected: string, found: string): WrongHashFault {
  return { reason: "wrong-hash", expected: `the hash ${expected}`, found: `the hash ${found}` };
}

/** The content cannot be unpacked or decoded, by the error that was thrown. */
export function asNotDecodable(error: unknown, expected = "it to decode"): NotDecodableFault {
  return { reason: "not-decodable", expected, found: String(error) };
}

/** The content is longer than may be unpacked. */
export function asTooLarge(bytes: number, limitBytes: number): TooLargeFault {
  return {
    reason: "too-large",
    limitBytes,
    expected: `at most ${limitBytes} bytes (maxContentBytes)`,
    found: `${bytes}`,
  };
}

/** A newer version has written it. */
export function asUnknownFormat(what: string): UnknownFormatFault {
  return { reason: "unknown-format", expected: "a format that this version knows", found: what };
}
