import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/**
 * Puts text in a colour or weight, if the terminal shows it: not in a pipe, and not where
 * `NO_COLOR` is set.
 */
export function style(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}
