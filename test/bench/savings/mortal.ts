/** An object whose asynchronous methods do nothing any more once a process has died: it had no time to. */
export function makeMortal<Target extends object>(target: Target, isDead: () => boolean): Target {
  return new Proxy(target, {
    get: (object, property): unknown => {
      const value: unknown = Reflect.get(object, property, object);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        isDead() ? Promise.withResolvers().promise : Reflect.apply(value, object, args);
    },
  });
}
