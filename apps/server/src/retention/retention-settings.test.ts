import { expect, test } from "bun:test";
import { archiveDirOf, readServerSettings } from "../config.ts";

const DAY_MS = 86_400_000;
const problemsOf = (env: Record<string, string>) => {
  const result = readServerSettings(env);
  return result.kind === "ok" ? [] : result.problems;
};

test("everything is kept for good unless a setting says otherwise", () => {
  const result = readServerSettings({ WINDSHIFT_DATA: "/srv/data" });
  if (result.kind !== "ok") throw new Error(result.problems.join());
  const { transcriptRetentionMs, transcriptArchiveRetentionMs, auditRetentionMs, usageRetentionMs } =
    result.settings;
  expect([transcriptRetentionMs, transcriptArchiveRetentionMs, auditRetentionMs, usageRetentionMs]).toEqual(
    Array(4).fill(undefined),
  );
  expect(archiveDirOf(result.settings)).toBe("/srv/data/archive");
});

test("limits are durations, long enough for what is shown, and the archive's is the longer one", () => {
  const kept = readServerSettings({
    WINDSHIFT_TRANSCRIPT_RETENTION: "30d",
    WINDSHIFT_TRANSCRIPT_ARCHIVE_RETENTION: "365d",
    WINDSHIFT_AUDIT_RETENTION: "90d",
    WINDSHIFT_USAGE_RETENTION: "400d",
  });
  expect(kept).toMatchObject({ kind: "ok", settings: { transcriptRetentionMs: 30 * DAY_MS } });
  const cases: [Record<string, string>, string][] = [
    [{ WINDSHIFT_TRANSCRIPT_RETENTION: "30" }, "write a duration"],
    [{ WINDSHIFT_TRANSCRIPT_RETENTION: "1h" }, "must be at least"],
    [{ WINDSHIFT_AUDIT_RETENTION: "30d" }, "must be at least"],
    [{ WINDSHIFT_USAGE_RETENTION: "90d" }, "must be at least"],
    [{ WINDSHIFT_ARCHIVE: "archive" }, "write an absolute path"],
    [{ WINDSHIFT_TRANSCRIPT_ARCHIVE_RETENTION: "365d" }, "must be longer than"],
    [
      { WINDSHIFT_TRANSCRIPT_RETENTION: "30d", WINDSHIFT_TRANSCRIPT_ARCHIVE_RETENTION: "30d" },
      "must be longer than",
    ],
  ];
  for (const [env, sentence] of cases)
    expect([env, problemsOf(env)]).toEqual([env, [expect.stringContaining(sentence)]]);
});
