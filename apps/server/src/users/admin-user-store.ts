import type { AdminUser } from "@windshift/contract/api/user.ts";
import type { Queries } from "../db/database.ts";
import { containsText } from "../db/like.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";

export interface UserQuery {
  /** A part of the name or the e-mail address. */
  q: string | undefined;
  disabled: boolean | undefined;
  /** Id of the last one that was seen. */
  after: string | undefined;
  limit: number;
}

/** People by name, from the one after `after` on. */
export async function listAdminUsers(db: Queries, query: UserQuery): Promise<AdminUser[]> {
  const last = query.after === undefined ? undefined : await findPerson(db, query.after);
  const rows = await db
    .selectFrom("user")
    .selectAll()
    .where("kind", "=", "person")
    .$if(query.q !== undefined && query.q !== "", (qb) =>
      qb.where((eb) => eb.or([containsText("name", query.q ?? ""), containsText("email", query.q ?? "")])),
    )
    .$if(query.disabled !== undefined, (qb) =>
      qb.where("disabled_at_ms", query.disabled ? "is not" : "is", null),
    )
    .$if(last !== undefined, (qb) =>
      qb.where((eb) =>
        eb.or([
          eb("name", ">", last?.name ?? ""),
          eb.and([eb("name", "=", last?.name ?? ""), eb("id", ">", last?.id ?? "")]),
        ]),
      ),
    )
    .orderBy("name")
    .orderBy("id")
    .limit(query.limit)
    .execute();
  return viewAll(db, rows);
}

/** A person as administrators see them. @returns undefined when there is none; agents are not people */
export async function findAdminUser(db: Queries, id: string): Promise<AdminUser | undefined> {
  const row = await findPerson(db, id);
  return row && (await viewAll(db, [row]))[0];
}

/** A person, not an agent. */
export function findPerson(db: Queries, id: string): Promise<Row<"user"> | undefined> {
  return db
    .selectFrom("user")
    .selectAll()
    .where("id", "=", id)
    .where("kind", "=", "person")
    .executeTakeFirst();
}

/** Administrators of the installation who can sign in; there is always one. */
export async function countActiveAdmins(tx: Queries): Promise<number> {
  const { count } = await tx
    .selectFrom("user")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("kind", "=", "person")
    .where("admin", "=", 1)
    .where("disabled_at_ms", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}

/** Two changes of administrators come one after the other, so that two cannot take each other's right at once. */
export async function lockAdmins(tx: Queries): Promise<void> {
  await tx
    .updateTable("settings")
    .set((eb) => ({ value: eb.ref("value") }))
    .where("key", "=", "set_up")
    .execute();
}

async function viewAll(db: Queries, rows: readonly Row<"user">[]): Promise<AdminUser[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const passwords = await db.selectFrom("account").select("userId").where("userId", "in", ids).execute();
  const identities = await db
    .selectFrom("oidc_identities")
    .select(["user_id", "issuer", "subject", "created_at_ms"])
    .where("user_id", "in", ids)
    .orderBy("created_at_ms")
    .execute();
  const memberships = await db
    .selectFrom("memberships")
    .select((eb) => ["user_id", eb.fn.countAll<number>().as("count")])
    .where("user_id", "in", ids)
    .groupBy("user_id")
    .execute();
  const sessions = await db
    .selectFrom("session")
    .select((eb) => ["userId", eb.fn.max("createdAt").as("at")])
    .where("userId", "in", ids)
    .groupBy("userId")
    .execute();
  return rows.map((row) => {
    const session = sessions.find(({ userId }) => userId === row.id);
    const byPassword = passwords.some(({ userId }) => userId === row.id);
    const own = identities.filter(({ user_id }) => user_id === row.id);
    return {
      id: row.id,
      name: row.name,
      email: row.email,
      admin: row.admin === 1,
      disabled: row.disabled_at_ms !== null,
      sign_in: [
        ...(byPassword ? (["password"] as const) : []),
        ...(own.length > 0 ? (["oidc"] as const) : []),
      ],
      identities: own.map(({ issuer, subject, created_at_ms }) => ({
        issuer,
        subject,
        connected_at: isoTime(created_at_ms),
      })),
      workspaces_count: memberships.find(({ user_id }) => user_id === row.id)?.count ?? 0,
      created_at: new Date(row.createdAt).toISOString(),
      last_sign_in_at: session ? new Date(session.at).toISOString() : null,
    };
  });
}
