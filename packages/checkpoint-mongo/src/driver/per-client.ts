/**
 * Things that exist once in this process for a client and a key: whatever is made for the next
 * request with the same client finds them. They stay for as long as the client does, so a key should
 * not be made of what is new with each request, nor a thing grow without bounds.
 *
 * The client is told by its object: one that was closed and connected again keeps what it has, and a
 * Proxy of a client is another client.
 */
export class PerClient<T> {
  readonly #byClient = new WeakMap<object, Map<string, T>>();

  /** The thing of a client and a key; it is made where there is none yet. */
  get(client: object, key: string, make: () => T): T {
    let things = this.#byClient.get(client);
    if (things === undefined) this.#byClient.set(client, (things = new Map<string, T>()));
    let thing = things.get(key);
    if (thing === undefined) things.set(key, (thing = make()));
    return thing;
  }

  /** @param thing not if there is another one by now */
  forget(client: object, key: string, thing?: T): void {
    const things = this.#byClient.get(client);
    if (thing === undefined || things?.get(key) === thing) things?.delete(key);
  }
}
