import { AuditLog } from "../admin/audit-page.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";

/** What was done in the workspace, for its admins. */
export function WorkspaceAuditPage() {
  const workspace = useWorkspaceKey();
  return <AuditLog at={`/api/v1/workspaces/${workspace}/audit`} workspace={workspace} />;
}
