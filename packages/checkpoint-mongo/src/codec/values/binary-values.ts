import { types } from "node:util";

/** A kind of bytes and their base64 form. */
export type EncodedBinary = readonly [kind: string, base64: string];

const TYPED_ARRAYS: Readonly<Record<string, new (buffer: ArrayBuffer) => object>> = {
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
  // From Node.js 24 on.
  ...("Float16Array" in globalThis && {
    Float16Array: globalThis.Float16Array,
  }),
};

/**
 * Encodes a Buffer, typed array, DataView or ArrayBuffer; undefined for anything else, for shared
 * memory, and for an ArrayBuffer that can be resized.
 */
export function encodeBinary(value: object): EncodedBinary | undefined {
  if (types.isArrayBuffer(value)) {
    return value.resizable ? undefined : ["ArrayBuffer", Buffer.from(value).toString("base64")];
  }
  if (!ArrayBuffer.isView(value) || types.isSharedArrayBuffer(value.buffer)) return undefined;
  const kind = readKind(value);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return kind === undefined ? undefined : [kind, bytes.toString("base64")];
}

/**
 * Whether the class of some bytes is the user's own, or of another realm. Only then extra keys are looked
 * for: listing the keys takes longer than encoding the bytes.
 */
export function areOfOtherClass(kind: string, value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return kind === "Buffer"
    ? prototype !== Buffer.prototype
    : Object.hasOwn(TYPED_ARRAYS, kind) && prototype !== TYPED_ARRAYS[kind]!.prototype;
}

/** Rebuilds what {@link encodeBinary} encoded; undefined for a kind outside the closed list. */
export function decodeBinary(kind: string, base64: string): object | undefined {
  const bytes = Buffer.from(base64, "base64");
  if (kind === "Buffer") return bytes;
  // A copy: the Buffer may lie unaligned in a shared pool.
  const buffer = new Uint8Array(bytes).buffer;
  if (kind === "ArrayBuffer") return buffer;
  if (kind === "DataView") return new DataView(buffer);
  return Object.hasOwn(TYPED_ARRAYS, kind) ? new TYPED_ARRAYS[kind]!(buffer) : undefined;
}

function readKind(value: ArrayBufferView): string | undefined {
  if (Buffer.isBuffer(value)) return "Buffer";
  if (types.isDataView(value)) return "DataView";
  // The getter of the base class: a subclass may override its own.
  const name = Reflect.get(TypedArray.prototype, Symbol.toStringTag, value) as string;
  return Object.hasOwn(TYPED_ARRAYS, name) ? name : undefined;
}

/** The class that all typed arrays extend. It has no global name. */
const TypedArray = Object.getPrototypeOf(Uint8Array) as Uint8ArrayConstructor;
