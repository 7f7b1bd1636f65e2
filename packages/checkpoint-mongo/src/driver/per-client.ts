/**
 * Things that exist once in this process for a client and a key, so that a saver of the next request finds
 * them. They stay as long as the client does. So keys must not be different for each request, and things must
 * not grow without bounds.
 *
 * Clients are told apart as objects: a client that was closed and connected again keeps its things, and a
 * Proxy of a client is another client.
 */
export class PerClient<T> {
  readonly #byClient = new WeakMap<object, Map<string, T>>();

  /** The thing of a client and a key. It is created if there is none yet. */
  get(client: object, key: string, make: () => T): T {
    let things = this.#byClient.get(client);
    if (things === undefined) this.#byClient.set(client, (things = new Map<string, T>()));
    let thing = things.get(key);
    if (thing === undefined) things.set(key, (thing = make()));
    return thing;
  }

  /** @param thing nothing is forgotten if there is another thing by now */
  forget(client: object, key: string, thing?: T): void {
    const things = this.#byClient.get(client);
    if (thing === undefined || things?.get(key) === thing) things?.delete(key);
  }
}
