/** Where a set-up step tells a person what it does: one plain line a call. */
export type Log = (line: string) => void;
