/** Like an assignment, but "__proto__" sets the key and not the prototype. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
