import { IconRobot } from "@tabler/icons-react";
import type { UserRef } from "@windshift/contract/api/user.ts";
import { visibleText } from "./visible-text.ts";

/** A person or an agent where it is named; an agent is told apart. */
export function PersonName({ user }: { user: Pick<UserRef, "name" | "kind"> }) {
  return (
    <span className="person-name">
      {user.kind === "agent" && <IconRobot size={14} role="img" aria-label="Agent" />}
      {visibleText(user.name)}
    </span>
  );
}
