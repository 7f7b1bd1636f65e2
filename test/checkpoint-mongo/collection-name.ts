/** The collection of a saver with default options. */
export const COLLECTION = "threadkeep_threads";
