import { redactText } from "./redact.ts";

/** Longest part of a provider's message that is repeated in ours, in characters. */
const LONGEST_QUOTE = 300;

/** The first `LONGEST_QUOTE` characters on one line, HTML reduced to its text, secrets redacted. */
export function quoteMessage(message: string, secrets: readonly string[]): string {
  // Redacted first: a key that shortening has cut or put on one line would no longer be known as one.
  const redacted = redactText(message, secrets);
  const text = /^\s*(?:\d{3}\s+)?</.test(redacted)
    ? redacted.replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, " ").replaceAll(/<[^>]*>/g, " ")
    : redacted;
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
