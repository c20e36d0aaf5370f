/**
 * Waits for work, but no longer than so many ms; what is late goes on by itself, and no timer stays behind.
 * @returns what the work gave, or "late"
 * @throws what the work throws in time
 */
export async function orLate<T>(work: Promise<T>, msMax: number): Promise<T | "late"> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), msMax);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
