import { createHmac } from "node:crypto";
import type { ErrorCode } from "@windshift/contract/error-codes.ts";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { TryLimit } from "../http/try-limit.ts";

/** Failed sign-ins of one address in a minute that are told one by one; a flood would bury the rest of the audit log. */
const TOLD_MAX = { tries: 10, windowMs: 60_000 };
/** Sign-ins of one address in a minute that were too many: that there were says all. */
const THROTTLED_MAX = { tries: 1, windowMs: 60_000 };
/** Longest e-mail address that is looked up, characters. */
const EMAIL_CHARS_MAX = 254;
/** Letters of the hash that stands for an address that nobody here has: enough to see the same one again. */
const HASH_CHARS = 16;

const Attempt = z.object({ email: z.string().max(EMAIL_CHARS_MAX).toLowerCase() });

/** Tells of sign-ins by password that failed, in the audit log and the server's log. */
export class FailedSignIns {
  private readonly told = new TryLimit(TOLD_MAX);
  private readonly throttled = new TryLimit(THROTTLED_MAX);
  constructor(private readonly parts: { database: Database; secret: string; log: Log }) {}

  /**
   * Never rejects: the answer is a refusal, whether it can be written down or not.
   * @param body what was sent to sign in
   */
  async tell(code: ErrorCode, body: unknown, address: string | undefined): Promise<void> {
    const limit = code === "rate_limited" ? this.throttled : this.told;
    if (!limit.admits(address)) return;
    const { database, log } = this.parts;
    const ip = address ?? "unknown";
    try {
      const subject = await this.subjectOf(body);
      log.warn({ code, ip, subject }, "a sign-in failed");
      const entry = { workspaceId: null, actor: "system", action: "user.sign_in_failed" } as const;
      await record(database.kysely, { ...entry, subject, data: { code, ip } });
    } catch (error) {
      log.error({ code, ip, error: String(error) }, "a failed sign-in could not be written to the audit log");
    }
  }

  /** The account, or a hash that shows nobody what was typed: people type passwords there. */
  private async subjectOf(body: unknown): Promise<string> {
    const attempt = Attempt.safeParse(body);
    if (!attempt.success) return "nobody";
    const { email } = attempt.data;
    const known = await this.parts.database.kysely
      .selectFrom("user")
      .select("id")
      .where("email", "=", email)
      .where("kind", "=", "person")
      .executeTakeFirst();
    if (known !== undefined) return `user ${known.id}`;
    const hash = createHmac("sha256", this.parts.secret).update(email).digest("hex");
    return `unknown e-mail ${hash.slice(0, HASH_CHARS)}`;
  }
}
