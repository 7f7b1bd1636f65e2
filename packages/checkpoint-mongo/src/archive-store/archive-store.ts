/** An object in an archive store. */
export interface ArchivedObject {
  /** Its key, as it was given to `put`. */
  readonly key: string;
  /** Its size. */
  readonly bytes: number;
  /** When it was stored, by the clock of the store. */
  readonly modifiedAt: Date;
}

/**
 * Where archived threads lie. A file system and S3 are implemented; any store of objects will do that shows an
 * object to nobody before it is complete. Keys have letters, digits, `-`, `_`, `.` and `/`.
 *
 * All four may be called again after they failed, and by many processes at once.
 */
export interface ArchiveStore {
  /** Stores an object as a whole, or not at all. It is durable when this returns. */
  put(key: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Reads an object; undefined if there is none of that key. */
  get(key: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes an object. If there is none of that key, nothing happens. */
  delete(key: string): Promise<void>;
  /**
   * Lists objects.
   *
   * @param prefix only those whose key begins so
   */
  list(prefix?: string): AsyncIterable<ArchivedObject>;
}
