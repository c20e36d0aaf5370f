import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { lookAt } from "./page-looks.ts";
import { useScene } from "./web.fixture.ts";

// Each page is looked at four times.
setDefaultTimeout(120_000);

const scene = useScene({ workspace: "DEMO" });
beforeAll(async () => {
  const at = "/api/v1/workspaces/DEMO";
  await scene.ada.post(`${at}/skills`, {
    name: "S".repeat(120),
    description: "d".repeat(400),
    body: "# Text",
  });
  await scene.ada.patch("/api/v1/skills/1", { body: `# Other\n\n${"w".repeat(200)}` });
  await scene.ada.post(`${at}/invitations`, { email: `${"x".repeat(60)}@example.test` });
});

const settings = (part: string) => `/w/DEMO/settings/${part}`;

test("pages of connections have no violation and fit a phone", async () => {
  const { body } = await scene.ada.post<{ id: number }>("/api/v1/workspaces/DEMO/connections", {
    kind: "git",
    provider: "github",
    name: "remote",
    base_url: "http://127.0.0.1:9",
    token: "ghp_0123456789",
  });
  const pages = ["connections", "connections/new/github_app", `connections/${body.id}`, "repositories"];
  await lookAt(scene.tab.page, pages.map(settings));
});

test("pages of members and agents have no violation and fit a phone", async () => {
  const agent = settings(`agents/${scene.workspace.agent.id}`);
  await lookAt(scene.tab.page, [settings("members"), settings("agents"), agent]);
});

test("pages of skills have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, [settings("skills"), settings("skills/1")]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
