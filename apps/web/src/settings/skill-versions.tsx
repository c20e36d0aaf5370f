import { Button, VisuallyHidden } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { SkillVersion } from "@windshift/contract/api/skill.ts";
import { useState } from "react";
import { TimeText } from "../parts/time-text.tsx";
import { type DiffLine, diffLines } from "./line-diff.ts";
import { skillVersionsQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

/** The texts that a skill had, newest first, each with what it changed. */
export function SkillVersions({ skill }: { skill: number }) {
  const { versions } = useSuspenseQuery(skillVersionsQuery(skill)).data;
  return (
    <Section title="Versions">
      <ul className="rows">
        {versions.map((version, at) => (
          <VersionRow key={version.version} version={version} before={versions[at + 1]} />
        ))}
      </ul>
    </Section>
  );
}

function VersionRow({ version, before }: { version: SkillVersion; before: SkillVersion | undefined }) {
  const [open, setOpen] = useState(false);
  return (
    <li className="row">
      <div className="row-line">
        <span className="row-name">Version {version.version}</span>
        <span className="quiet">
          by {version.author.name}, <TimeText at={version.created_at} />
        </span>
        <span className="row-end">
          <Button size="xs" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Hide" : "Show"} changes
            <VisuallyHidden> of version {version.version}</VisuallyHidden>
          </Button>
        </span>
      </div>
      {open && <Changes version={version} before={before} />}
    </li>
  );
}

const SIGN: Record<DiffLine["kind"], string> = { same: " ", added: "+", removed: "-" };

function Changes({ version, before }: { version: SkillVersion; before: SkillVersion | undefined }) {
  const text = (one: SkillVersion | undefined) =>
    one === undefined ? "" : `${one.name}\n${one.description}\n\n${one.body}`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <pre className="line-diff" tabIndex={0}>
      {diffLines(text(before), text(version)).map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name, and the list never changes.
        <span key={at} className={`line-${line.kind}`}>
          {SIGN[line.kind]} {line.text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
