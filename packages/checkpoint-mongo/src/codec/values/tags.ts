/**
 * How values that JSON lacks are written: as an object whose first and only marker key is `$`, for
 * example `{"$":"date","v":"2026-01-01T00:00:00.000Z"}`. A user's own object with a `$` key is
 * written as `{"$":"object","v":{…}}`, so that data never reads as a tag.
 */
export const TAG = "$";

/** Every tag starts like this; a text without it does not have to be revived. */
export const TAG_OPENING = '{"$":"';

/** The closed list of what a tag may revive. */
export type TagName =
  | "array"
  | "bigint"
  | "bytes"
  | "date"
  | "delta"
  | "error"
  | "headers"
  | "langchain"
  | "map"
  | "message"
  | "number"
  | "object"
  | "regexp"
  | "search-params"
  | "set"
  | "undefined"
  | "url";
