/** Times of server and runner while faults are made, ms: an eighteenth of the product's, more where a busy machine needs it. */
export const SHORT_TIMES = {
  LEASE_MS: 5_000,
  HEARTBEAT_INTERVAL_MS: 1_000,
  HEARTBEAT_SHARED_MS: 300,
  SWEEP_INTERVAL_MS: 300,
  PARTITION_MS_MAX: 10_000,
  LONG_POLL_MS_MAX: 1_000,
  ANSWER_MS_MAX: 4_000,
  ANSWER_SLACK_MS: 2_000,
  REPORT_MS_MAX: 10_000,
  REPORT_TRY_MS_MAX: 4_000,
  CLAIM_RETRY_MS_MAX: 2_000,
  LEFTOVER_ROUND_MS: 1_000,
  PAST_ROUND_MS_MAX: 6_000,
  PAST_AWAY_MS_MAX: 1_000,
  SWEEP_MS: 2_000,
  PUBLISHING_HOLD_MS: 3_000,
  PUBLISHING_RENEW_MS: 1_000,
} as const;

/** The source with the times it declares replaced. @param others of this program alone, over the short ones */
export function shortened(source: string, others: Record<string, number> = {}): string {
  return source.replace(/^((?:export )?const ([A-Z_]+) = )[^;]+;/gm, (line, start: string, name: string) =>
    isShort(name) ? `${start}${others[name] ?? SHORT_TIMES[name]};` : line,
  );
}

function isShort(name: string): name is keyof typeof SHORT_TIMES {
  return Object.hasOwn(SHORT_TIMES, name);
}
