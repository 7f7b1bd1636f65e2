import { Binary } from "mongodb";

/** Wraps bytes for storage. */
export function toBinary(bytes: Uint8Array): Binary {
  return new Binary(bytes);
}

/** Stored bytes. */
export function toBytes(binary: Binary): Uint8Array {
  return binary.buffer.subarray(0, binary.position);
}

/** Wraps the bytes that a hex text stands for. */
export function hexToBinary(hex: string): Binary {
  return new Binary(Buffer.from(hex, "hex"));
}

/** The hex form of stored bytes. */
export function binaryToHex(binary: Binary): string {
  return Buffer.from(toBytes(binary)).toString("hex");
}
