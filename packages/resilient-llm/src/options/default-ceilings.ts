/** How long an attempt may take, until its first token and as a whole, and a call with all its attempts. */
export const DEFAULT_CEILING_MS = 300_000;
/** The ceiling of the first token for a model that is known to think before it answers. */
export const REASONING_FIRST_TOKEN_MS = 600_000;
/** The ceilings of an attempt and of a call for such a model. */
export const REASONING_TOTAL_MS = 900_000;
