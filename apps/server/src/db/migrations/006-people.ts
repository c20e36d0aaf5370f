import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db, identified } from "./columns.ts";
import { createOrLeave, type HotIndex } from "./hot-index.ts";

export const PEOPLE_INDEXES: readonly HotIndex[] = [
  { name: "audit_log_workspace", on: "audit_log", columns: ["workspace_id", "id"] },
  { name: "audit_log_actor", on: "audit_log", columns: ["actor", "id"] },
  { name: "run_usage_created", on: "run_usage", columns: ["created_at_ms"] },
];

/** API tokens, sign-in of `ws`, invitations, links to choose a password, sign-in by a provider, people who are disabled. */
export async function migratePeople(db: Db, engine: Engine): Promise<void> {
  await addColumns(db, "user", [["disabled_at_ms", "bigint"]]);
  await createTokens(db, engine);
  await createInvitations(db, engine);
  await createOidc(db);
  await protectAudit(db, engine);
  for (const index of PEOPLE_INDEXES) await createOrLeave(db, engine, index);
}

async function createTokens(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "api_tokens")
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("scopes", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .addColumn("last_used_at_ms", "bigint")
    .execute();
  await db.schema.createIndex("api_tokens_user").on("api_tokens").column("user_id").execute();
  await identified(db, engine, "cli_logins")
    .addColumn("user_code", "text", (c) => c.notNull().unique())
    .addColumn("poll_hash", "text", (c) => c.notNull().unique())
    .addColumn("client_name", "text", (c) => c.notNull())
    .addColumn("address", "text")
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("user_id", "text", (c) => c.references("user.id").onDelete("cascade"))
    .addColumn("scopes", "text")
    .addColumn("token_days", "integer")
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .execute();
}

async function createInvitations(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "invitations")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("email", "text")
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("created_by", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("invitations_workspace").on("invitations").column("workspace_id").execute();
  await db.schema
    .createTable("password_links")
    .addColumn("user_id", "text", (c) => c.primaryKey().references("user.id").onDelete("cascade"))
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .execute();
}

async function createOidc(db: Db): Promise<void> {
  await db.schema
    .createTable("oidc_identities")
    .addColumn("issuer", "text", (c) => c.notNull())
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("oidc_identities_pk", ["issuer", "subject"])
    .execute();
  await db.schema.createIndex("oidc_identities_user").on("oidc_identities").column("user_id").execute();
  await db.schema
    .createTable("oidc_logins")
    .addColumn("state_hash", "text", (c) => c.primaryKey())
    .addColumn("browser_hash", "text", (c) => c.notNull())
    .addColumn("nonce", "text", (c) => c.notNull())
    .addColumn("code_verifier", "text", (c) => c.notNull())
    .addColumn("return_to", "text", (c) => c.notNull())
    .addColumn("link_user_id", "text", (c) => c.references("user.id").onDelete("cascade"))
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .execute();
}

/** The audit log is only added to: the database refuses all else, whoever asks (WB-18). */
async function protectAudit(db: Db, engine: Engine): Promise<void> {
  const why = "the audit log is only added to";
  if (engine === "sqlite") {
    for (const change of ["update", "delete"])
      await sql
        .raw(
          `create trigger audit_log_no_${change} before ${change} on audit_log begin select raise(abort, '${why}'); end`,
        )
        .execute(db);
    return;
  }
  await sql
    .raw(
      `create function refuse_audit_change() returns trigger language plpgsql as $$ begin raise exception '${why}'; end $$`,
    )
    .execute(db);
  await sql
    .raw(
      "create trigger audit_log_no_change before update or delete or truncate on audit_log for each statement execute function refuse_audit_change()",
    )
    .execute(db);
}
