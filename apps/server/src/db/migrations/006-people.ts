import type { Engine } from "../database.ts";
import type { Db } from "./columns.ts";

/** API tokens, sign-in by an OpenID provider, accounts that are closed. */
export async function migratePeople(_db: Db, _engine: Engine): Promise<void> {}
