import type { Hasher } from "../integrity/hashes.ts";
import type { OfficialCollections } from "../migration/official-collections.ts";
import type { Collections } from "../store/collections.ts";
import type { Cache } from "./cache.ts";
import type { SaverSettings } from "./options.ts";
import type { SetsSeen } from "./sets-seen.ts";
import type { Serializer } from "./serializer.ts";

/** What every operation of a saver works with. */
export interface SaverContext {
  readonly collections: Collections;
  /** Whether the connection is to a router of a sharded cluster. */
  readonly isSharded: boolean;
  readonly cache: Cache;
  readonly serializer: Serializer;
  readonly hasher: Hasher;
  readonly settings: SaverSettings;
  /** Only with the option `witness`. */
  readonly setsSeen: SetsSeen | undefined;
  /** What the official saver stored in the same database. */
  readonly official: OfficialCollections;
}
