/** Tokens of the app's installation that were given out. */
export interface InstallationTokens {
  readonly given: readonly string[];
  /** How long one is good from now on, ms; an hour at first, as at GitHub. */
  lifeMs: number;
  /** Ends all that were given. */
  expireAll(): void;
  add(token: string): void;
  isGood(token: string): boolean;
}

/** Kept in memory; good is what was added since the last `expireAll`. */
export function createInstallationTokens(): InstallationTokens {
  const given: string[] = [];
  const good = new Set<string>();
  return {
    given,
    lifeMs: 3_600_000,
    expireAll: () => good.clear(),
    add: (token) => {
      given.push(token);
      good.add(token);
    },
    isGood: (token) => good.has(token),
  };
}
