/** Encoded values up to this many characters lie in the checkpoint document itself. */
export const MAX_INLINE_LENGTH = 256;

/** The channel with the input of a run. It is in one checkpoint only, so a segment would never be shared. */
export const INPUT_CHANNEL = "__start__";
