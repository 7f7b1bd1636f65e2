/**
 * All prefixes of a namespace, each joined. The official store has them in a field, by which a vector search
 * is narrowed down to a prefix.
 */
export function listNamespacePath(namespace: readonly string[]): string[] {
  return namespace.map((_, index) => namespace.slice(0, index + 1).join("/"));
}
