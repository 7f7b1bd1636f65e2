/** Gives each object a number of its own, for as long as the object is there. */
export class Numbering {
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  get(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) this.#numbers.set(object, (number = this.#last += 1));
    return number;
  }
}
