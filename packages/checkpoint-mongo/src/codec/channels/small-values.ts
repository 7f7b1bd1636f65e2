/** Encoded values up to this many characters lie in the checkpoint document itself. */
export const MAX_INLINE_LENGTH = 256;

/**
 * The channel that holds a run's input is in one checkpoint only, so nothing is gained by a segment
 * that others could share.
 */
export const INPUT_CHANNEL = "__start__";
