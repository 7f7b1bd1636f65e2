import type { RecordedCall } from "../history/history.ts";

/** What a history may show that must not be. */
export const VIOLATION_KINDS = [
  "lost",
  "partial",
  "wrong",
  "invented",
  "stale",
  "resurrected",
  "broken chain",
  "false alarm",
  "untyped error",
  "unexpected error",
  "stuck",
  "crashed",
  "not checked",
] as const;

export type ViolationKind = (typeof VIOLATION_KINDS)[number];

/** Something that a history shows and that must not be. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly what: string;
  /** The call that shows it; undefined if what it shows is that there was none. */
  readonly shownBy: RecordedCall | undefined;
}
