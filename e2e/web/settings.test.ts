import { expect, setDefaultTimeout, test } from "bun:test";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Label } from "@windshift/contract/api/label.ts";
import type { Model } from "@windshift/contract/api/model.ts";
import type { Skill } from "@windshift/contract/api/skill.ts";
import type { Member } from "@windshift/contract/api/workspace.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { create } from "../../apps/server/src/testing/test-workspace.ts";
import { useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

const AT = "/api/v1/workspaces/DEMO";
const settings = (part: string) => `/w/DEMO/settings/${part}`;
const bindingNow = async () =>
  (await scene.ada.get<Binding>(`/api/v1/bindings/${scene.workspace.binding.id}`)).body;

test("an admin gives a model that agents call a price, and it is kept to the micro-dollar", async () => {
  const { page } = scene.tab;
  const models = async () =>
    (await scene.ada.get<{ models: Model[] }>(`/api/v1/connections/${scene.workspace.llm.id}/models`)).body
      .models;
  await page.goto(settings(`connections/${scene.workspace.llm.id}`));
  const row = page.getByRole("form", { name: "scripted-1" });
  await page.getByText("No price").waitFor();
  await page.getByText(`called by ${scene.workspace.agent.name}`).waitFor();
  await row.getByLabel("Input, $", { exact: true }).fill("2.5");
  await row.getByLabel("Output, $").fill("much");
  await row.getByLabel("Takes pictures").check();
  await row.getByRole("button", { name: "Save scripted-1" }).click();
  await row.getByText("dollars such as 12.50").waitFor();
  await row.getByLabel("Output, $").fill("0.000015");
  await row.getByLabel("Context, tokens").fill("128000");
  await row.getByRole("button", { name: "Save scripted-1" }).click();
  await page.getByText("Saved scripted-1.").waitFor();
  await page.getByText("No price").waitFor({ state: "detached" });
  expect(await models()).toMatchObject([
    {
      model: "scripted-1",
      input_price: 2_500_000,
      cached_input_price: null,
      output_price: 15,
      context_window: 128_000,
      images: true,
    },
  ]);
  expect(await row.getByLabel("Output, $").inputValue()).toBe("0.000015");
});

test("a model with a slash in its name is added, refused with a reason, and removed", async () => {
  const { page } = scene.tab;
  const typed = page.getByRole("form", { name: "scripted-1" }).getByLabel("Cached input, $");
  await typed.fill("9");
  await page.getByRole("button", { name: "Add a model" }).click();
  const form = page.getByRole("form", { name: "Add a model" });
  const name = form.getByRole("textbox", { name: "Model", exact: true });
  await name.fill("two words");
  await form.getByLabel("Input, $", { exact: true }).fill("1");
  await form.getByRole("button", { name: "Add model" }).click();
  await form.getByText("a model id such as").waitFor();
  expect(await name.inputValue()).toBe("two words");
  await name.fill("qwen/qwen3:free");
  await form.getByRole("button", { name: "Add model" }).click();
  await page.getByRole("form", { name: "qwen/qwen3:free" }).waitFor();
  expect(await typed.inputValue()).toBe("9");
  await page.getByRole("button", { name: "Remove qwen/qwen3:free" }).click();
  await page.getByRole("form", { name: "qwen/qwen3:free" }).waitFor({ state: "detached" });
});

test("the budgets of the month and of a run are seen with their use, and set", async () => {
  const { page } = scene.tab;
  await page.goto("/workspaces/DEMO/budgets");
  const team = page.getByRole("form", { name: "Budget of the workspace" });
  await team.getByLabel("Tokens a month").fill("0");
  await team.getByRole("button", { name: /^Save/ }).click();
  await team.getByText("at least 1", { exact: true }).waitFor();
  await team.getByLabel("Dollars a month").fill("12.5");
  await team.getByLabel("Tokens a month").fill("2000000");
  await team.getByRole("button", { name: /^Save/ }).click();
  await page.getByText("0 of 2,000,000 tokens used").waitFor();
  await page.getByText("$0.00 of $12.50 used").waitFor();
  const { body } = await scene.ada.get(`${AT}/budget`);
  expect(body).toEqual({ tokens_max: 2_000_000, cost_micros_max: 12_500_000 });

  const agent = page.getByRole("article", { name: scene.workspace.agent.name });
  await agent.getByLabel("Tokens a month").fill("500000");
  await agent.getByLabel("Dollars a run").fill("-1");
  await agent.getByRole("button", { name: /^Save/ }).click();
  await agent.getByText("dollars such as 12.50").waitFor();
  await agent.getByLabel("Dollars a run").fill("1");
  await agent.getByRole("button", { name: /^Save/ }).click();
  await agent.getByText("0 of 500,000 tokens used").waitFor();
  expect((await bindingNow()).budget).toEqual({
    run: { tokens_max: null, cost_micros_max: 1_000_000 },
    month: { tokens_max: 500_000, cost_micros_max: null },
  });
});

test("what was typed and is not stored says so after a reload too, and is discarded by a click", async () => {
  const { page } = scene.tab;
  const name = page.getByRole("form", { name: "General" }).getByLabel("Name");
  // An address can say anything behind its hash.
  await page.goto(`${settings("budgets")}#1:(`);
  await page.getByRole("heading", { name: "Budgets", level: 1 }).waitFor();
  await page.goto(settings("general"));
  const stored = await name.inputValue();
  expect(await page.getByText("Not saved yet.").count()).toBe(0);
  await name.fill("Another name");
  await page.reload();
  await page.getByText("Not saved yet.").waitFor();
  expect(await name.inputValue()).toBe("Another name");
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByText("Not saved yet.").waitFor({ state: "detached" });
  expect(await name.inputValue()).toBe(stored);
});

test("an agent is made and bound; what is wrong is said beside its field, and a reload loses nothing", async () => {
  const { page } = scene.tab;
  await page.goto(settings("agents"));
  await page
    .getByRole("listitem")
    .filter({ hasText: scene.workspace.agent.name })
    .getByText("Offline")
    .waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("Reviewer");
  await page.getByRole("button", { name: "Create agent" }).click();
  await page.getByRole("heading", { name: "Reviewer", level: 1 }).waitFor();
  await page.getByText("Not bound").waitFor();
  const form = page.getByRole("form", { name: "Binding" });
  await form.getByLabel("Instructions").fill("Read with care.");
  await form.getByRole("combobox", { name: "Model", exact: true }).fill("scripted-1");
  await form.getByLabel("Minutes a run").fill("90");
  await form.getByLabel("Labels").fill("gpu, Ü");
  await form.getByRole("button", { name: "Bind the agent" }).click();
  await form.getByText(/^number 2: /).waitFor();
  expect(await form.getByLabel("Labels").getAttribute("aria-invalid")).toBe("true");
  await form.getByLabel("Labels").fill("");
  await form.getByLabel("Pool").fill("nowhere");
  await form.getByRole("button", { name: "Bind the agent" }).click();
  await form.getByText(/nowhere/).waitFor();
  await page.reload();
  expect(await form.getByLabel("Instructions").inputValue()).toBe("Read with care.");
  await form.getByLabel("Pool").fill("local");
  await form.getByRole("button", { name: "Add a fallback" }).click();
  await form.getByLabel("Fallback 1, model").fill("scripted-2");
  await form.getByLabel("CI files").selectOption("flag");
  await form.getByLabel("Further protected paths").fill("deploy/\n*.pem");
  await form.getByLabel("Tokens a run").fill("300000");
  await form.getByRole("button", { name: "Bind the agent" }).click();
  await form.getByRole("button", { name: "Save the binding" }).waitFor();
  const { bindings } = (await scene.ada.get<{ bindings: Binding[] }>(`${AT}/bindings`)).body;
  expect(bindings.find(({ agent }) => agent.name === "Reviewer")).toMatchObject({
    instructions: "Read with care.",
    model: "scripted-1",
    fallbacks: [{ llm_connection_id: scene.workspace.llm.id, model: "scripted-2" }],
    limits: { wall_clock_ms: 5_400_000 },
    budget: { run: { tokens_max: 300_000 } },
    push_policy: { ci_files: "flag", protected_paths: ["deploy/", "*.pem"] },
    pool: "local",
    enabled: true,
  });
});

test("a base branch that is taken out of its field is the repository's own again", async () => {
  const { page } = scene.tab;
  const { workDir, repository, binding, agent } = scene.workspace;
  await gitOut(["push", "--quiet", repository.path ?? "", "HEAD:refs/heads/next"], workDir);
  await scene.ada.patch(`/api/v1/bindings/${binding.id}`, { base_branch: "next" });
  await page.goto(settings(`agents/${agent.id}`));
  const branch = page.getByLabel("Base branch");
  expect(await branch.inputValue()).toBe("next");
  await branch.fill("");
  await page.getByRole("button", { name: "Save the binding" }).click();
  await page.getByText("Saved. Runs that are queued").waitFor();
  expect((await bindingNow()).base_branch).toBe("main");
});

test("what a draft names and is gone is not taken for the first of those that are there", async () => {
  const { page } = scene.tab;
  const wanted = { kind: "llm", name: "Short-lived", base_url: "http://127.0.0.1:9" };
  const gone = await create<{ id: number }>(scene.ada, `${AT}/connections`, wanted);
  await page.goto(settings(`agents/${scene.workspace.agent.id}`));
  const choice = page.getByLabel("Model connection");
  await choice.selectOption({ label: "Short-lived" });
  await scene.ada.delete(`/api/v1/connections/${gone.id}`);
  await page.reload();
  await page.getByText("Not saved yet.").waitFor();
  expect(await choice.locator("option:checked").textContent()).toBe("Choose one");
  await choice.selectOption({ label: "model" });
  await page.getByText("Not saved yet.").waitFor({ state: "detached" });
});

test("a binding is switched off and tried in private, and its run is a link away", async () => {
  const { page } = scene.tab;
  await page.goto(settings(`agents/${scene.workspace.agent.id}`));
  const trial = page.getByRole("form", { name: "Test run" });
  await trial.getByLabel("Task").fill("Say hello.");
  await trial.getByRole("button", { name: "Start a test run" }).click();
  const link = page.getByRole("link", { name: /^Open run \d+$/ });
  await link.waitFor();
  await page.getByText("Queued", { exact: true }).waitFor();
  expect(await link.getAttribute("href")).toMatch(/^\/items\/DEMO-\d+\/runs\/\d+$/);
  await page.getByRole("switch", { name: "The agent can be set to work" }).click({ force: true });
  await page.getByRole("button", { name: "Save the binding" }).click();
  await page.getByText("Switched off", { exact: true }).waitFor();
  expect((await bindingNow()).enabled).toBe(false);
});

test("a skill is written with a preview, changed, compared with what it was, and given to an agent", async () => {
  const { page } = scene.tab;
  await page.goto(settings("skills"));
  await page.getByLabel("Name").fill("Testing");
  await page.getByLabel("Description").fill("How tests are run here");
  await page.getByLabel("Text, in Markdown").fill("# Tests\n\nRun `npm test`.");
  await page.getByText("Preview", { exact: true }).click();
  await page.getByRole("heading", { name: "Tests" }).waitFor();
  await page.getByText("Write", { exact: true }).click();
  await page.getByLabel("Text, in Markdown").fill("x".repeat(70_000));
  await page.getByText("Preview", { exact: true }).click();
  await page.getByRole("button", { name: "Create skill" }).click();
  await page.getByRole("alert").filter({ hasText: "65536 bytes" }).waitFor();
  await page.getByText("Write", { exact: true }).click();
  await page.getByLabel("Text, in Markdown").fill("# Tests\n\nRun `npm test`.");
  await page.reload();
  expect(await page.getByLabel("Text, in Markdown").inputValue()).toBe("# Tests\n\nRun `npm test`.");
  await page.getByRole("button", { name: "Create skill" }).click();
  await page.getByRole("heading", { name: "Testing", level: 1 }).waitFor();
  await page.getByLabel("Text, in Markdown").fill("# Tests\n\nRun `bun test`.");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Show changes of version 2" }).click();
  const changes = page.locator(".line-diff");
  await changes.getByText("- Run `npm test`.").waitFor();
  await changes.getByText("+ Run `bun test`.").waitFor();
  await page.goto(settings(`agents/${scene.workspace.agent.id}`));
  await page.getByRole("checkbox", { name: "Testing" }).check();
  await page.getByRole("button", { name: "Save the binding" }).click();
  const skills = (await scene.ada.get<{ skills: Skill[] }>(`${AT}/skills`)).body.skills;
  await eventually("the agent has the skill", async () => {
    return (await bindingNow()).skill_ids.join() === String(skills[0]?.id);
  });
});

test("who saves a skill that somebody changed meanwhile is told, and loses nothing", async () => {
  const { page } = scene.tab;
  const [skill] = (await scene.ada.get<{ skills: Skill[] }>(`${AT}/skills`)).body.skills;
  await page.goto(settings(`skills/${skill?.id}`));
  const text = page.getByLabel("Text, in Markdown");
  await text.fill("My text");
  await scene.ada.patch(`/api/v1/skills/${skill?.id}`, { body: "Their text" });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Somebody has changed this skill since you began").waitFor();
  expect(await text.inputValue()).toBe("My text");
  await text.fill("Our text");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Somebody has changed").waitFor({ state: "detached" });
  expect((await scene.ada.get<{ body: string }>(`/api/v1/skills/${skill?.id}`)).body.body).toBe("Our text");
});

test("people are invited by a link that is shown once, given roles, and removed", async () => {
  const { page } = scene.tab;
  const mel = await scene.server.addPerson(scene.ada, "Mel");
  await scene.ada.post(`${AT}/members`, { user_id: mel.id, role: "viewer" });
  await page.goto(settings("members"));
  await page.getByLabel("Role of Mel").selectOption("member");
  await page.getByText("Mel is member now.").waitFor();
  // Who would give up their own administration is asked first.
  await page.getByLabel("Role of Ada").selectOption("viewer");
  await page
    .getByRole("dialog", { name: "Become viewer of" })
    .getByRole("button", { name: "Cancel" })
    .click();
  expect(await page.getByLabel("Role of Ada").inputValue()).toBe("admin");
  await page.getByLabel("Only for this e-mail address").fill("grace@example.test");
  await page.getByRole("button", { name: "Make an invitation" }).click();
  const link = page.locator(".once code");
  expect(await link.textContent()).toMatch(/\/invite\/wsin_/);
  await page.reload();
  await page.getByRole("button", { name: "Withdraw the invitation of grace@example.test" }).click();
  await page.getByText("The invitation was withdrawn.").waitFor();
  expect(await link.count()).toBe(0);
  await page.getByRole("button", { name: "Remove Mel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("Mel is no longer in the workspace.").waitFor();
  const { members } = (await scene.ada.get<{ members: Member[] }>(`${AT}/members`)).body;
  expect(members.map(({ name }) => name)).not.toContain("Mel");
  expect(members.find(({ name }) => name === "Ada")?.role).toBe("admin");
});

test("labels are made, changed and deleted, and a name is not taken twice", async () => {
  const { page } = scene.tab;
  const labels = async () => (await scene.ada.get<{ labels: Label[] }>(`${AT}/labels`)).body.labels;
  await page.goto(settings("labels"));
  const make = async (name: string) => {
    await page.getByRole("form", { name: "New label" }).getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Create label" }).click();
  };
  await make("bug");
  await page.getByRole("button", { name: "Edit bug" }).waitFor();
  await make("Bug");
  await page.getByRole("form", { name: "New label" }).locator(".mantine-InputWrapper-error").waitFor();
  await page.getByRole("button", { name: "Edit bug" }).click();
  await page.getByRole("form", { name: "Edit bug" }).getByLabel("Name").fill("defect");
  await page.getByRole("form", { name: "Edit bug" }).getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Delete defect" }).click();
  expect((await labels()).map(({ name }) => name)).toEqual(["defect"]);
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("The label defect is gone.").waitFor();
  expect(await labels()).toEqual([]);
  for (const name of ["step 10", "step 2"]) await scene.ada.post(`${AT}/labels`, { name, color: "#d93f0b" });
  await page.reload();
  const edits = page.getByRole("button", { name: /^Edit step/ });
  await edits.first().waitFor();
  const names = await edits.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  expect(names).toEqual(["Edit step 2", "Edit step 10"]);
});

test("an admin looks up what was done in the workspace", async () => {
  const { page } = scene.tab;
  await page.goto(settings("members"));
  await page.getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("cell", { name: "skill.changed" }).first().waitFor();
  await page.getByLabel("What").fill("skill.created");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("cell", { name: "skill.changed" }).first().waitFor({ state: "detached" });
  await page.getByRole("cell", { name: "skill.created" }).waitFor();
  expect(await page.getByRole("textbox", { name: "Workspace" }).count()).toBe(0);
  expect(await page.getByRole("cell", { name: "user.signed_in" }).count()).toBe(0);
});

test("a workspace is renamed, and its menu follows", async () => {
  const { page } = scene.tab;
  await page.goto(settings("general"));
  await page.getByLabel("Name").fill("Shop");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("region", { name: "Shop" }).waitFor();
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
