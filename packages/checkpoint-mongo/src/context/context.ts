import type { HealthMonitor } from "../health/health-monitor.ts";
import type { Hasher } from "../integrity/hashes.ts";
import type { Cache } from "../memory/cache.ts";
import type { EarlyStandings } from "../memory/early-standings.ts";
import type { SetsSeen } from "../memory/sets-seen.ts";
import type { OfficialCollections } from "../migration/official-collections.ts";
import type { Serializer } from "../records/serializer.ts";
import type { ConflictDeadline } from "../store/conflict-rounds.ts";
import type { Store } from "../store/store.ts";
import type { ThreadHold } from "../store/thread-record.ts";
import type { SaverSettings } from "./options.ts";

/** What a call of a saver works with. */
export interface SaverContext {
  readonly store: Store;
  readonly cache: Cache;
  readonly serializer: Serializer;
  readonly hasher: Hasher;
  readonly settings: SaverSettings;
  /** Counts and measures what the saver does. */
  readonly health: HealthMonitor;
  /** When this call is given up if others keep getting ahead of it. */
  readonly deadline: ConflictDeadline;
  /** Interrupts and errors that came before their checkpoints. */
  readonly earlyStandings: EarlyStandings;
  /** Under which this call writes: a lease of the user's, or a turn that it has taken; undefined for neither. */
  readonly hold: Pick<ThreadHold, "token" | "heldFor"> | undefined;
  /** Only with the option `witness`. */
  readonly setsSeen: SetsSeen | undefined;
  /** What the official saver stored in the same database. */
  readonly official: OfficialCollections;
}
