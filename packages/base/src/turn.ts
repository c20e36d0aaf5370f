/**
 * Resolves after one turn of the event loop. A loop whose waits are all over at once (data that is there already, a database
 * in the same process) never gives control back by itself, and nothing else of the process goes on.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
