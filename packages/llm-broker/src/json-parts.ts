import { z } from "zod";

/**
 * An array of `item` that is read only as far as its first bad one: of a hostile body with ten thousand bad parts one is
 * named, and the others cost nothing (LB-14).
 * @param isPlain tells parts that `item` would take as they are, without it: of a long list that is most of the time
 */
export function list<T extends z.ZodType>(
  item: T,
  least = 0,
  isPlain: (value: unknown) => value is z.infer<T> = (_): _ is z.infer<T> => false,
) {
  return z
    .array(z.unknown())
    .min(least)
    .transform((values, context): z.infer<T>[] => {
      const read: z.infer<T>[] = [];
      for (let place = 0; place < values.length; place++) {
        const value = values[place];
        if (isPlain(value)) {
          read.push(value);
          continue;
        }
        const parsed = item.safeParse(value);
        if (parsed.success) {
          read.push(parsed.data);
          continue;
        }
        for (const issue of parsed.error.issues)
          context.issues.push({
            ...issue,
            path: [place, ...issue.path],
            input: value,
          } as z.core.$ZodRawIssue);
        return z.NEVER;
      }
      return read;
    });
}

/** An object of whatever JSON holds, passed on as it is: nobody here reads it, so its keys are not looked at one by one. */
export const JsonObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "Invalid input: expected object",
);
