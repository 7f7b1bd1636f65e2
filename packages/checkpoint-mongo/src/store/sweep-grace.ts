// A sweep must not remove a segment that a put is about to refer to. A put may plan on a segment that
// nothing refers to yet, or any more: one that it has just stored, or one of a parent that this process
// remembers and another process has put again since. From the time the put learns of such a segment
// until it refers to it, no sweep may get from its first look at the segment to its removal.
//
// So there is one bound, the time between those two looks, and the other two are shares of it: a put
// plans on what it remembers for half of it at most, and takes a tenth of it at most before it stores
// its segments once more. What is left covers the time that a command is under way.

/** An orphaned segment stays marked for at least this time before a sweep removes it. */
export const MIN_SWEEP_GRACE_MS = 600_000;

/** A checkpoint that this process read or stored longer ago is read again before a put builds upon it. */
export const MAX_PARENT_AGE_MS: number = MIN_SWEEP_GRACE_MS / 2;

/** A save that took longer than this stores its segments once more before it returns. */
export const SLOW_SAVE_MS: number = MIN_SWEEP_GRACE_MS / 10;
