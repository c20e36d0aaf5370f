/**
 * Makes something when it is first asked for. For what writes numbers, times and names in a language: the first of a kind takes a
 * browser up to 20 ms, and most pages write none.
 */
export function onFirstUse<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
