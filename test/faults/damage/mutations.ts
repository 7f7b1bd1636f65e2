import { Binary, type Document } from "mongodb";
import { createHash } from "node:crypto";
import { BESIDE, DAMAGED } from "./threads.ts";

/** One way to damage what is stored. */
export interface Mutation {
  /** What kind of document it is about. */
  readonly kind: string;
  /** The field, or `document` for all of it. */
  readonly field: string;
  readonly what: string;
  /** The documents that are there instead of one; none, one or several. */
  readonly original: Document;
  readonly instead: readonly Document[];
}

/** Every mutation of the documents of the damaged thread, in an order that is always the same. */
export function listMutations(
  documents: readonly Document[],
  kinds: readonly string[] | undefined,
): Mutation[] {
  const own = documents.filter(({ thread_id }) => thread_id === DAMAGED);
  const chosen = own.filter(({ kind }) => kinds?.includes(kind as string) ?? true);
  const mutations: Mutation[] = [];
  for (const alike of Map.groupBy(chosen, shapeOf).values()) {
    // The first and the last of those that have the same fields.
    for (const original of new Set([alike[0]!, alike.at(-1)!])) {
      mutations.push(...listWholes(original, documents));
      for (const path of listFields(original)) {
        mutations.push(...listFieldMutations(original, path, documents));
      }
    }
  }
  return mutations;
}

function shapeOf(document: Document): string {
  const { kind, checkpoint_ns: namespace, head } = document;
  const names = Object.keys(document).toSorted();
  return JSON.stringify([kind, namespace, head, names]);
}

function listWholes(original: Document, documents: readonly Document[]): Mutation[] {
  const kind = original["kind"] as string;
  const sibling = findSibling(original, documents, DAMAGED);
  const foreign = findSibling(original, documents, BESIDE);
  const instead: Record<string, readonly Document[]> = {
    removed: [],
    "moved to another _id": [{ ...original, _id: otherId(original) }],
    "copied to another _id": [original, { ...original, _id: otherId(original) }],
    "copied into another thread": [
      original,
      { ...original, _id: otherId(original), thread_id: BESIDE },
    ],
    ...(sibling !== undefined && {
      "overwritten with a sibling": [{ ...sibling, _id: original["_id"] as unknown }],
    }),
    ...(foreign !== undefined && {
      "overwritten with another thread's": [{ ...foreign, _id: original["_id"] as unknown }],
      // As whoever knows how, but not the key, would do it.
      "another thread's in its place": [
        { ...foreign, ...addressOf(original), hash: foreign["hash"] as unknown },
      ],
    }),
  };
  return Object.entries(instead).map(([what, those]) => ({
    kind,
    field: "document",
    what,
    original,
    instead: those,
  }));
}

const ADDRESS = [
  "_id",
  "thread_id",
  "checkpoint_ns",
  "checkpoint_id",
  "checkpoint",
  "task_id",
  "idx",
];

function addressOf(document: Document): Document {
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => [...ADDRESS, "segment", "seq"].includes(name)),
  );
}

/** An `_id` of the same type that no document has. */
function otherId({ _id: id }: Document): unknown {
  if (!(id instanceof Binary)) return `${String(id)}-other`;
  const digest = createHash("sha256").update(id.buffer.subarray(0, id.position)).digest();
  return new Binary(digest.subarray(0, 16));
}

/** A document of the same kind that has another value in most fields. */
function findSibling(
  { _id, kind, idx, part }: Document,
  documents: readonly Document[],
  threadId: string,
): Document | undefined {
  const others = documents.filter(
    (other) => other["kind"] === kind && other["thread_id"] === threadId && other["_id"] !== _id,
  );
  return others.find((other) => other["idx"] === idx && other["part"] === part) ?? others[0];
}

/** The paths of a document's fields, those of what is in them too. */
function* listFields(value: unknown, prefix = ""): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Binary || value instanceof Date) return;
  for (const [name, inner] of Object.entries(value)) {
    // That of a document's `_id` cannot be changed; see what is done with whole documents.
    if (prefix === "" && name === "_id") continue;
    yield `${prefix}${name}`;
    yield* listFields(inner, `${prefix}${name}.`);
  }
}

function listFieldMutations(
  original: Document,
  path: string,
  documents: readonly Document[],
): Mutation[] {
  const value = readPath(original, path);
  const kind = original["kind"] as string;
  const sibling = readPath(findSibling(original, documents, DAMAGED) ?? {}, path);
  const foreign = readPath(findSibling(original, documents, BESIDE) ?? {}, path);
  const values: [string, unknown][] = [
    ["null", null],
    ["another type: text", "text"],
    ["another type: number", 7],
    ["another type: true", true],
    ["another type: object", {}],
    ["another type: array", []],
    ["another type: date", new Date("2026-01-01")],
    ["another type: bytes", new Binary(Buffer.from("bytes"))],
    ["array of itself", [value]],
    ["huge: text", "x".repeat(HUGE)],
    ["huge: bytes", new Binary(Buffer.alloc(HUGE, 7))],
    ["huge: number", 1e17],
    ...variationsOf(value),
    ...(sibling === undefined ? [] : [["a sibling's", sibling] as [string, unknown]]),
    ...(foreign === undefined ? [] : [["another thread's", foreign] as [string, unknown]]),
  ];
  return [
    { kind, field: path, what: "missing", original, instead: [writePath(original, path, MISSING)] },
    ...values
      .filter(([, changed]) => !isSame(changed, value))
      .map(([what, changed]) => ({
        kind,
        field: path,
        what,
        original,
        instead: [writePath(original, path, changed)],
      })),
  ];
}

const HUGE = 1_000_000;

function variationsOf(value: unknown): [string, unknown][] {
  if (value instanceof Binary) return variationsOfBytes(value);
  if (value instanceof Date) {
    return [
      ["past", new Date("2001-01-01")],
      ["just past", new Date(Date.now() - 1_000)],
      ["far future", new Date("2199-01-01")],
      ["one millisecond later", new Date(value.getTime() + 1)],
    ];
  }
  if (typeof value === "number") {
    return [
      ["one more", value + 1],
      ["one less", value - 1],
      ["a fraction", value + 0.5],
      ["not a number", Number.NaN],
      ["below zero", -1_000_000],
    ];
  }
  if (typeof value === "string") {
    return [
      ["empty", ""],
      ["one character changed", `${value.slice(0, -1)}\u0001`],
      ["truncated", value.slice(0, -1)],
      ...["thread", "checkpoint", "segment", "writes"].map((kind): [string, unknown] => [
        kind,
        kind,
      ]),
    ];
  }
  if (typeof value === "boolean") return [["false", false]];
  if (Array.isArray(value)) {
    return [
      ["one less", value.slice(0, -1)],
      ["one twice", [...(value as unknown[]), value.at(-1)]],
      ["with null", [...(value as unknown[]), null]],
      ["reversed", value.toReversed()],
    ];
  }
  return [];
}

function variationsOfBytes(binary: Binary): [string, unknown][] {
  const bytes = Buffer.from(binary.buffer.subarray(0, binary.position));
  const flip = (at: number): Binary => {
    const flipped = Buffer.from(bytes);
    flipped[at] = flipped[at]! ^ 1;
    return new Binary(flipped, binary.sub_type);
  };
  const again = (part: Buffer, subtype = binary.sub_type): Binary => new Binary(part, subtype);
  return [
    ["empty", again(Buffer.alloc(0))],
    ...(bytes.length === 0
      ? []
      : [
          ["first bit", flip(0)] as [string, unknown],
          ["middle bit", flip(Math.floor(bytes.length / 2))] as [string, unknown],
          ["last bit", flip(bytes.length - 1)] as [string, unknown],
        ]),
    ["last byte gone", again(bytes.subarray(0, -1))],
    ["half gone", again(bytes.subarray(0, bytes.length / 2))],
    ["a byte more", again(Buffer.concat([bytes, Buffer.from([0])]))],
    ...[0, 2, 4, 128, 129, 130].map((subtype): [string, unknown] => [
      `subtype ${subtype}`,
      again(bytes, subtype),
    ]),
  ];
}

const MISSING = Symbol("missing");

function readPath(document: unknown, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split(".")) value = (value as Document | null | undefined)?.[name];
  return value;
}

function writePath(document: unknown, path: string, value: unknown): Document {
  const [name = "", ...rest] = path.split(".");
  const copy: Document = Array.isArray(document)
    ? [...(document as unknown[])]
    : { ...(document as object) };
  if (rest.length > 0) copy[name] = writePath(copy[name], rest.join("."), value);
  else if (value !== MISSING) copy[name] = value;
  else if (Array.isArray(copy)) copy.splice(Number(name), 1);
  else delete copy[name];
  return copy;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Binary && b instanceof Binary) {
    return (
      a.sub_type === b.sub_type &&
      Buffer.compare(a.buffer.subarray(0, a.position), b.buffer.subarray(0, b.position)) === 0
    );
  }
  return a === b;
}
