/**
 * Reads that many want in the same moment, each made once for all of them: a thousand watchers who are woken by one event. A read is joined
 * only until it begins, a turn of the event loop after it was first wanted: one that has begun could miss what its caller was woken for.
 */
export class SharedReads<T> {
  private readonly due = new Map<string, Promise<T>>();

  /** @param key names what is read: whoever gives the same one gets the same value, which nobody may change */
  read(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.due.get(key);
    if (known !== undefined) return known;
    const begun = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.due.delete(key);
      return work();
    });
    this.due.set(key, begun);
    return begun;
  }
}
