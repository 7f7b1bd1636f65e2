import { types } from "node:util";

/** A kind of bytes and their base64 form. */
export type EncodedBinary = readonly [kind: string, base64: string];

const TYPED_ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

/** Encodes a Buffer, typed array, DataView or ArrayBuffer; undefined for anything else. */
export function encodeBinary(value: object): EncodedBinary | undefined {
  if (Buffer.isBuffer(value)) return ["Buffer", value.toString("base64")];
  if (types.isArrayBuffer(value)) return ["ArrayBuffer", Buffer.from(value).toString("base64")];
  if (!ArrayBuffer.isView(value)) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const kind = types.isDataView(value) ? "DataView" : readTypedArrayName(value);
  return kind === undefined ? undefined : [kind, bytes.toString("base64")];
}

/** Rebuilds what {@link encodeBinary} encoded; undefined for a kind outside the closed list. */
export function decodeBinary(kind: string, base64: string): object | undefined {
  const bytes = Buffer.from(base64, "base64");
  if (kind === "Buffer") return bytes;
  // A copy: the Buffer may lie unaligned in a pool that it shares with others.
  const buffer = new Uint8Array(bytes).buffer;
  if (kind === "ArrayBuffer") return buffer;
  if (kind === "DataView") return new DataView(buffer);
  return Object.hasOwn(TYPED_ARRAYS, kind)
    ? new TYPED_ARRAYS[kind as keyof typeof TYPED_ARRAYS](buffer)
    : undefined;
}

function readTypedArrayName(value: ArrayBufferView): string | undefined {
  const name = (value as unknown as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  return name !== undefined && Object.hasOwn(TYPED_ARRAYS, name) ? name : undefined;
}
