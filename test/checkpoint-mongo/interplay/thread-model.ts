/** A pending write. */
export interface ModelWrite {
  readonly taskId: string;
  readonly channel: string;
  readonly value: unknown;
}

/** A checkpoint as the model knows it. */
export interface ModelCheckpoint {
  readonly id: string;
  readonly namespace: string;
  readonly parentId: string | undefined;
  /** The checkpoint of the root graph that its metadata names. */
  readonly rootId: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly isBusy: boolean;
  readonly runId: string | undefined;
  readonly writes: Map<string, ModelWrite>;
  labels: readonly string[];
  /** Labels that come back with the next undo. */
  labelsAside: readonly string[];
  /** The time that it says it was made at, in minutes of the model's time. */
  readonly madeAt: number;
  /** The rollback that keeps it aside. */
  aside: ModelRollback | undefined;
}

/** A rollback that can be undone. */
export interface ModelRollback {
  readonly fromId: string;
  /** In minutes of the model's time. */
  readonly until: number;
}

/** What a rollback does to the order. A namespace is left out if nothing changes. */
export interface ModelMove {
  readonly state: ModelCheckpoint | undefined;
  readonly isCopy: boolean;
}

/** Where a state becomes the latest. */
export interface ModelPlace {
  readonly namespace: string;
  readonly id: string;
  /** The latest of the root graph. */
  readonly rootId: string;
  readonly now: number;
}

/** The days that a rollback can be undone. */
const BACKUP_MINUTES = 7 * 24 * 60;

/** As many rollbacks of a thread can be undone. */
const MAX_ROLLBACKS = 10;

/** The channel that has a node to run next. */
export const TRIGGER = "branch:to:next";

/**
 * What a thread holds, by the words of the documentation: the order of each namespace is a list, and what rollbacks
 * keep aside stays in it.
 */
export class ThreadModel {
  /** Whether the index of threads has it. */
  isThere = false;
  /** Whether it was written to at all. */
  isStored = false;
  /** Whether a rollback has moved a checkpoint. */
  hasMoved = false;
  rollbacks: ModelRollback[] = [];
  /** The checkpoint of the root graph in whose task a subgraph runs. */
  taskRoot: string | undefined;
  readonly #order = new Map<string, ModelCheckpoint[]>();
  /** All ids that were ever given, of any life. */
  readonly known: { readonly id: string; readonly namespace: string }[] = [];

  get namespaces(): readonly string[] {
    return [...this.#order.keys()];
  }

  /** The checkpoints that reads see, in their order. */
  list(namespace: string): readonly ModelCheckpoint[] {
    return this.all(namespace).filter(({ aside }) => aside === undefined);
  }

  /** The same, with those that rollbacks keep aside. */
  all(namespace: string): readonly ModelCheckpoint[] {
    return this.#order.get(namespace) ?? [];
  }

  latest(namespace: string): ModelCheckpoint | undefined {
    return this.list(namespace).at(-1);
  }

  find(namespace: string, id: string): ModelCheckpoint | undefined {
    return this.list(namespace).find((one) => one.id === id);
  }

  has(namespace: string, id: string): boolean {
    return this.list(namespace).some((one) => one.id === id);
  }

  put(checkpoint: ModelCheckpoint): void {
    const { namespace, id } = checkpoint;
    this.#order.set(namespace, [...this.all(namespace), checkpoint]);
    this.known.push({ id, namespace });
    this.isStored = true;
    if (namespace === "") this.isThere = true;
  }

  /** Another content for an id that is there: it keeps its place, labels and writes. */
  putAgain(checkpoint: ModelCheckpoint): void {
    const own = this.all(checkpoint.namespace);
    this.#order.set(
      checkpoint.namespace,
      own.map((one) => (one.id === checkpoint.id ? checkpoint : one)),
    );
  }

  remove(removed: (checkpoint: ModelCheckpoint) => boolean): void {
    for (const [namespace, own] of this.#order) {
      const left = own.filter((one) => !removed(one));
      if (left.length > 0) this.#order.set(namespace, left);
      else this.#order.delete(namespace);
    }
  }

  end(): void {
    this.#order.clear();
    this.rollbacks = [];
    this.taskRoot = undefined;
    this.isThere = false;
    this.isStored = false;
    this.hasMoved = false;
  }

  /** The labels of a namespace with the checkpoints that have them. */
  holderOf(namespace: string, name: string): ModelCheckpoint | undefined {
    return this.list(namespace).find(({ labels }) => labels.includes(name));
  }

  /**
   * What a rollback to a checkpoint of the root graph does, by namespace. Only subgraphs that keep one history go
   * back with it.
   */
  planLatest(target: ModelCheckpoint): ReadonlyMap<string, ModelMove> {
    const moves = new Map<string, ModelMove>();
    const root = this.#planNamespace(target);
    if (root !== undefined) moves.set("", root);
    const lineage = this.#traceParents(target);
    if (root?.isCopy !== true) lineage.add(target.id);
    for (const namespace of this.namespaces) {
      if (namespace === "" || namespace.includes(":") || !this.latest(namespace)) continue;
      const own = this.list(namespace);
      const state =
        own.findLast(({ rootId }) => lineage.has(rootId!)) ??
        // Of one whose step was pruned, the time tells whether it was there then.
        own.findLast(({ id, rootId }) => !this.#isThere(rootId) && id < target.id);
      if (state === undefined) moves.set(namespace, { state, isCopy: true });
      else {
        const move = this.#planNamespace(state);
        if (move !== undefined) moves.set(namespace, move);
      }
    }
    return moves;
  }

  /** Makes a state the latest of its namespace. If it is a copy, it gets the id. */
  move({ state, isCopy }: ModelMove, { namespace, id, rootId, now }: ModelPlace): void {
    const own = this.all(namespace);
    if (state !== undefined && !isCopy) {
      this.hasMoved = true;
      this.#order.set(namespace, [...own.filter((one) => one !== state), state]);
      return;
    }
    this.put({
      id,
      namespace,
      parentId: state?.parentId,
      rootId: state === undefined ? rootId : state.rootId,
      values: state?.values ?? {},
      isBusy: state?.isBusy ?? false,
      runId: undefined,
      writes: new Map(),
      labels: [],
      labelsAside: [],
      madeAt: now,
      aside: undefined,
    });
  }

  /**
   * Names a rollback, and keeps aside what came after its target.
   *
   * @param after the checkpoints of the root graph behind the target, before it was moved
   */
  nameRollback(fromId: string, now: number, after: readonly ModelCheckpoint[]): number {
    const rollback = { fromId, until: now + BACKUP_MINUTES };
    this.dropExpired(now);
    this.rollbacks = [...this.rollbacks, rollback].slice(-MAX_ROLLBACKS);
    const rootIds = new Set(after.map(({ id }) => id));
    let count = 0;
    for (const namespace of this.namespaces) {
      for (const one of this.list(namespace)) {
        const isAfter = namespace === "" ? rootIds.has(one.id) : rootIds.has(one.rootId!);
        if (!isAfter) continue;
        one.aside = rollback;
        one.labelsAside = [...one.labelsAside, ...one.labels];
        one.labels = [];
        count += 1;
      }
    }
    return count;
  }

  /** Whether a rollback can be undone to a checkpoint: so long it is not pruned. */
  isBackup({ namespace, id }: ModelCheckpoint, now: number): boolean {
    return (
      namespace === "" && this.rollbacks.some(({ fromId, until }) => fromId === id && until > now)
    );
  }

  /** Brings back what a rollback keeps aside, with those labels whose names are free. */
  restore(rollback: ModelRollback): void {
    for (const namespace of this.namespaces) {
      for (const one of this.all(namespace)) {
        if (one.aside === rollback) one.aside = undefined;
        if (one.aside !== undefined) continue;
        const free = one.labelsAside.filter((name) => !this.holderOf(namespace, name));
        one.labels = [...one.labels, ...free];
        one.labelsAside = [];
      }
    }
  }

  dropExpired(now: number): void {
    this.rollbacks = this.rollbacks.filter(({ until }) => until > now);
  }

  /** What rollbacks kept aside that cannot be undone any more goes with a sweep. */
  sweepAside(now: number): void {
    this.dropExpired(now);
    this.remove(({ aside }) => aside !== undefined && !this.rollbacks.includes(aside));
  }

  #isThere(rootId: string | undefined): boolean {
    return this.all("").some(({ id }) => id === rootId);
  }

  #planNamespace(state: ModelCheckpoint): ModelMove | undefined {
    if (this.latest(state.namespace) === state) return undefined;
    // What is kept aside may come back, and counts.
    const isCopy = this.all(state.namespace).some(({ parentId }) => parentId === state.id);
    return { state, isCopy };
  }

  #traceParents({ namespace, id, parentId }: ModelCheckpoint): Set<string> {
    const own = this.list(namespace);
    const before = own.slice(0, own.findIndex((one) => one.id === id) + 1);
    const parents = new Map(before.map((one) => [one.id, one.parentId]));
    const ids = new Set<string>();
    for (let next = parentId; next !== undefined && !ids.has(next); next = parents.get(next)) {
      ids.add(next);
    }
    return ids;
  }
}
