import type { NewPerson } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { insertPerson } from "./user-store.ts";

const SETTING = "set_up";

/** Whether the installation has had its first administrator. */
export async function isSetUp(db: Queries): Promise<boolean> {
  const row = await db.selectFrom("settings").select("key").where("key", "=", SETTING).executeTakeFirst();
  return row !== undefined;
}

/**
 * Makes the first administrator, once in the life of an installation: of two callers at the same time one wins (WB-25).
 * @param hash hashes the password; not called when the installation is set up already
 * @throws AppError `conflict` when it is set up
 */
export async function setUp(
  database: Database,
  person: NewPerson,
  hash: (password: string) => Promise<string>,
): Promise<string> {
  if (await isSetUp(database.kysely)) throw alreadySetUp();
  const passwordHash = await hash(person.password);
  return database.transaction(async (tx) => {
    const won = await tx
      .insertInto("settings")
      .values({ key: SETTING, value: new Date().toISOString() })
      .onConflict((oc) => oc.column("key").doNothing())
      .returning("key")
      .executeTakeFirst();
    if (won === undefined) throw alreadySetUp();
    const id = await insertPerson(tx, { ...person, passwordHash, admin: true });
    await record(tx, {
      workspaceId: null,
      actor: { user: id },
      action: "installation.set_up",
      subject: `user ${id}`,
    });
    return id;
  });
}

function alreadySetUp(): AppError {
  return new AppError("conflict", "this installation is set up already; ask an administrator for an account");
}
