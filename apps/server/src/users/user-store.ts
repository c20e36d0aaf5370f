import { randomBytes } from "node:crypto";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";

/** How the sign-in library names accounts with a password. */
const CREDENTIAL = "credential";

export interface PersonRow {
  name: string;
  /** Lower case. */
  email: string;
  /** As the sign-in library hashes passwords; undefined for who has none. */
  passwordHash: string | undefined;
  admin: boolean;
}

/**
 * Makes a person who can sign in with e-mail and password, if they have one.
 * @returns the id
 * @throws AppError `conflict` when the e-mail address is taken
 */
export async function insertPerson(tx: Queries, person: PersonRow): Promise<string> {
  const id = createUserId();
  const now = new Date().toISOString();
  const user = await tx
    .insertInto("user")
    .values({
      id,
      name: person.name,
      email: person.email,
      emailVerified: false,
      image: null,
      kind: "person",
      admin: person.admin ? 1 : 0,
      createdAt: now,
      updatedAt: now,
    })
    .onConflict((oc) => oc.column("email").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (user === undefined) throw new AppError("conflict", `the e-mail address ${person.email} is taken`);
  if (person.passwordHash !== undefined) await setPasswordHash(tx, id, person.passwordHash);
  return id;
}

/** Gives a person a password, or another one. */
export async function setPasswordHash(tx: Queries, userId: string, password: string): Promise<void> {
  const now = new Date().toISOString();
  const changed = await tx
    .updateTable("account")
    .set({ password, updatedAt: now })
    .where("userId", "=", userId)
    .where("providerId", "=", CREDENTIAL)
    .returning("id")
    .executeTakeFirst();
  if (changed !== undefined) return;
  await tx
    .insertInto("account")
    .values({
      id: createUserId(),
      userId,
      accountId: userId,
      providerId: CREDENTIAL,
      password,
      createdAt: now,
      updatedAt: now,
    })
    .execute();
}

/**
 * Makes an agent user. It has no account, so nobody can sign in as it; its address exists to be unique.
 * @returns the id
 */
export async function insertAgent(tx: Queries, name: string): Promise<string> {
  const id = createUserId();
  const now = new Date().toISOString();
  await tx
    .insertInto("user")
    .values({
      id,
      name,
      email: `${id.toLowerCase()}@agents.invalid`,
      emailVerified: false,
      image: null,
      kind: "agent",
      admin: 0,
      createdAt: now,
      updatedAt: now,
    })
    .execute();
  return id;
}

/** A person or an agent. @returns undefined when there is none */
export function findUser(db: Queries, id: string): Promise<Row<"user"> | undefined> {
  return db.selectFrom("user").selectAll().where("id", "=", id).executeTakeFirst();
}

/** As the sign-in library hashed it; undefined for a person without a password. */
export async function findPasswordHash(db: Queries, userId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("account")
    .select("password")
    .where("userId", "=", userId)
    .where("providerId", "=", CREDENTIAL)
    .executeTakeFirst();
  return row?.password ?? undefined;
}

/** 192 random bits, letters and digits and - _. */
function createUserId(): string {
  return randomBytes(24).toString("base64url");
}
