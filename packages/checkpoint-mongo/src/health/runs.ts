/** What LangGraph hands to each run of a graph, and with it to the saver: its `RunControl`. */
interface RunControl {
  requestDrain(reason?: string): void;
}

/** When the list has so many, those of runs that are over are taken out. */
const MIN_LIMIT = 64;

/**
 * The runs of graphs that use a saver. LangGraph 1.7 and later gives each run a control by which it stops before
 * its next step, and passes it in the config of every call.
 */
export class Runs {
  #reason: string | undefined;
  /** Undefined unless runs are taken note of. */
  #known: WeakSet<RunControl> | undefined;
  /** Weak: nobody says when a run is over. */
  #controls: WeakRef<RunControl>[] = [];
  #limit = MIN_LIMIT;

  /** From now on, runs are taken note of. */
  watch(): void {
    this.#known ??= new WeakSet();
  }

  /** Takes note of the run that a call belongs to. One that begins after the end has begun does no step. */
  note(config: object | undefined): void {
    if (this.#known === undefined) return;
    const control = readControl(config);
    if (control === undefined || this.#known.has(control)) return;
    this.#known.add(control);
    if (this.#reason !== undefined) control.requestDrain(this.#reason);
    if (this.#controls.length >= this.#limit) {
      this.#controls = this.#controls.filter((weak) => weak.deref() !== undefined);
      this.#limit = Math.max(MIN_LIMIT, 2 * this.#controls.length);
    }
    this.#controls.push(new WeakRef(control));
  }

  /** Asks all runs, and those that begin later, to stop before their next step. */
  drain(reason: string): void {
    this.#reason = reason;
    for (const weak of this.#controls) weak.deref()?.requestDrain(reason);
  }
}

function readControl(config: object | undefined): RunControl | undefined {
  if (config === undefined || !("control" in config)) return undefined;
  const { control } = config as { readonly control: Partial<RunControl> | null | undefined };
  return typeof control?.requestDrain === "function" ? (control as RunControl) : undefined;
}
