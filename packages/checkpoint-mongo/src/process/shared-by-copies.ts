/**
 * Raise it when a shared thing changes: its fields, its methods or what they mean. Copies of different
 * versions then share nothing, as two processes do.
 */
const VERSION = 1;

const KEY = Symbol.for(`@threadkeep/checkpoint-mongo/shared-by-copies/${VERSION}`);

/**
 * A thing that exists once in this process, however many copies of this package the process has loaded. It
 * has two if some of its code imports the package and other code requires it, or if it is installed twice.
 *
 * Share only what a guarantee within one process rests on. Each copy has its own caches, queues and
 * knowledge of the server: a second one of these costs time or memory, and nothing else.
 *
 * @param make makes the thing for the first copy that asks. It must not refer to classes of this copy that
 *   others check with `instanceof`
 */
export function shareByCopies<Thing extends object>(name: string, make: () => Thing): Thing {
  const registry = globalThis as { [KEY]?: Map<string, object> };
  const things = (registry[KEY] ??= new Map<string, object>());
  let thing = things.get(name);
  if (thing === undefined) things.set(name, (thing = make()));
  return thing as Thing;
}
