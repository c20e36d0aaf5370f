import { expect, test } from "bun:test";
import { SQL } from "bun";
import type { DatabaseFixture } from "./database-fixture.ts";
import { createFilledDatabase, TEMPLATE_DIR } from "./filled-database.ts";
import { tempDir } from "./temp-dir.ts";

const address = ({ url, sqliteFile }: DatabaseFixture) => url ?? `sqlite://${sqliteFile}`;

async function ask(fixture: DatabaseFixture, statement: string): Promise<unknown[]> {
  const sql = new SQL(address(fixture), { max: 1 });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.close();
  }
}

async function fill(fixture: DatabaseFixture): Promise<void> {
  await ask(fixture, "create table notes (text varchar(20))");
  await ask(fixture, "insert into notes values ('first')");
}

test("databases of one name are filled once, and none sees what is written to another", async () => {
  using dir = tempDir();
  const env = { ...process.env, [TEMPLATE_DIR]: dir.path };
  let filled = 0;
  const open = () => createFilledDatabase(env, "notes", (fixture) => fill(fixture).then(() => void filled++));
  const [one, two] = [await open(), await open()];
  try {
    await ask(one, "insert into notes values ('second')");
    expect(await ask(one, "select text from notes order by text")).toHaveLength(2);
    expect(await ask(two, "select text from notes")).toEqual([{ text: "first" }]);
    expect(filled).toBe(1);
  } finally {
    await one.drop();
    await two.drop();
  }
});

test("several at once that find none get a filled one each", async () => {
  using dir = tempDir();
  const env = { ...process.env, [TEMPLATE_DIR]: dir.path };
  const made = await Promise.all([1, 2, 3].map(() => createFilledDatabase(env, "notes", fill)));
  for (const fixture of made) {
    expect(await ask(fixture, "select text from notes")).toEqual([{ text: "first" }]);
    await fixture.drop();
  }
});

test("outside of a test run each is filled for itself", async () => {
  let filled = 0;
  const env = { ...process.env, [TEMPLATE_DIR]: undefined };
  for (let at = 0; at < 2; at++)
    await (
      await createFilledDatabase(env, "notes", (fixture) => fill(fixture).then(() => void filled++))
    ).drop();
  expect(filled).toBe(2);
});
