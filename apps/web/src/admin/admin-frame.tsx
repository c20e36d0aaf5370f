import { useMe } from "../api/me.ts";
import { type AdminPart, paths } from "../paths.ts";
import { SideFrame } from "../settings/settings-frame.tsx";
import { NotFoundPage } from "../shell/error-page.tsx";

const PARTS: readonly (readonly [AdminPart, string])[] = [
  ["users", "Users"],
  ["workspaces", "Workspaces"],
  ["runners", "Runners"],
  ["usage", "Usage"],
  ["audit", "Audit log"],
  ["backup", "Backup"],
];

/** For who administrates the installation; for others it is not there. */
export function AdminFrame() {
  const { admin } = useMe();
  if (!admin) return <NotFoundPage />;
  return (
    <SideFrame
      name="Administration"
      entries={PARTS.map(([part, text]) => ({ text, to: paths.admin(part) }))}
    />
  );
}
