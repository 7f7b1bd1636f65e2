import { toJson } from "./to-json.ts";

/** What LangChain's messages have in common. */
interface MessageLike {
  readonly type: string;
  readonly content: unknown;
}

/** A value on one line, for people. */
export function previewValue(value: unknown, length: number): string {
  const text = describe(value);
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (isMessage(value)) return describeMessage(value);
  if (Array.isArray(value) && value.length > 0 && value.every(isMessage)) {
    const last = value.at(-1)!;
    return `${value.length} messages, the last: ${describeMessage(last)}`;
  }
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  return JSON.stringify(toJson(value));
}

function describeMessage({ type, content }: MessageLike): string {
  return `${type}: ${typeof content === "string" ? content : JSON.stringify(toJson(content))}`;
}

function isMessage(value: unknown): value is MessageLike {
  return typeof value === "object" && value !== null && "toDict" in value && "content" in value;
}
