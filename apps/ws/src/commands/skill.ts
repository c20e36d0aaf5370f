import { type Call, type Command, EXIT, usageError, WORKSPACE_OPTION, WsError } from "../command.ts";
import { WS_SETTINGS } from "../config.ts";
import { field, list, text } from "../fields.ts";
import { workspaceOf } from "../item-key.ts";

/** Inside a run: the skills it was given, in the versions it was given. Else: those of a workspace. */
export const skillCommands: readonly Command[] = [
  {
    words: ["skill", "ls"],
    operandsMax: 0,
    doc: "list skills: those of this run, or of a workspace",
    options: [WORKSPACE_OPTION],
    run: async (call) => {
      const answer = await call.api.get(`${placeOf(call)}/skills`);
      if (call.out.json) await call.out.data(answer);
      else
        await call.out.table(
          list(answer, "skills"),
          [
            { title: "NAME", text: (skill) => text(skill, "name") },
            { title: "VERSION", text: (skill) => text(skill, "version") },
            { title: "", text: (skill) => (field(skill, "enabled") === false ? "off" : "") },
            { title: "DESCRIPTION", text: (skill) => text(skill, "description"), shrinks: true },
          ],
          "no skills",
        );
      return EXIT.ok;
    },
  },
  {
    words: ["skill", "get"],
    operands: "NAME",
    doc: "print the text of a skill",
    options: [WORKSPACE_OPTION],
    run: async (call) => {
      const name = call.operands[0];
      if (!name) throw usageError("name a skill; `ws skill ls` lists them");
      const skill = await fetchSkill(call, name);
      await call.out.answer(skill, () => text(skill, "body"));
      return EXIT.ok;
    },
  },
];

async function fetchSkill(call: Call, name: string): Promise<unknown> {
  const place = placeOf(call);
  if (place.startsWith("/agent-runs/")) return call.api.get(`${place}/skills/${encodeURIComponent(name)}`);
  const skills = list(await call.api.get(`${place}/skills`), "skills");
  const found = skills.find((skill) => text(skill, "name").toLowerCase() === name.toLowerCase());
  if (found === undefined)
    throw new WsError(
      `there is no skill ${name}; there are ${skills.map((s) => text(s, "name")).join(", ")}`,
      5,
    );
  return call.api.get(`/skills/${text(found, "id")}`);
}

function placeOf(call: Call): string {
  const run = call.env[WS_SETTINGS.runId.name];
  return run !== undefined && /^[1-9]\d{0,9}$/.test(run)
    ? `/agent-runs/${run}`
    : `/workspaces/${workspaceOf(call)}`;
}
