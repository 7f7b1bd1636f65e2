/** The time of a simulation: it goes on only when something takes time in it. */
export class VirtualTime {
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
