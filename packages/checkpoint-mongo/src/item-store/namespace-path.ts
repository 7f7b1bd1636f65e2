/**
 * Every namespace that this one begins with, joined: the official store's field by which a vector
 * search is narrowed down to a prefix.
 */
export function listNamespacePath(namespace: readonly string[]): string[] {
  return namespace.map((_, index) => namespace.slice(0, index + 1).join("/"));
}
