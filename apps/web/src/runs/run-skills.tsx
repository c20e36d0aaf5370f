import type { UsedSkill } from "@windshift/contract/api/run.ts";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";

/** The skills that were frozen into the run, and which of them the agent read. */
export function RunSkills({ skills }: { skills: readonly UsedSkill[] }) {
  return (
    <ul className="run-skills">
      {skills.map(({ name, version, sha256, read_at, skill_id }) => (
        <li key={name}>
          <strong>{visibleText(name)}</strong> version {version}{" "}
          <code title={`sha256 ${sha256}`}>{sha256.slice(0, 12)}</code>{" "}
          <span className="run-quiet">
            {read_at === null ? (
              "not read"
            ) : (
              <>
                read <TimeText at={read_at} />
              </>
            )}
            {skill_id === null && " · deleted since"}
          </span>
        </li>
      ))}
    </ul>
  );
}
