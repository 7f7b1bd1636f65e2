import type { Db } from "mongodb";
import type { CopiedTemplate } from "../copied-template.ts";

/** A template that was copied and installed. */
export interface TemplateUnderTest {
  readonly copy: CopiedTemplate;
  /** Where it keeps what it stores. */
  readonly db: Db;
}

/** Hands out the template once it is there: tests are written down before. */
export type FindTemplate = () => TemplateUnderTest;

/** Long enough to be killed in the middle of what a script says. */
export const SLOW = { SCRIPTED_WORD_MS: "300" };

/** A script that answers at once. */
export const FAST = { SCRIPTED_WORD_MS: "1" };
