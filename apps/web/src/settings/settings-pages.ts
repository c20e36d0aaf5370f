/** All pages of the area, as one file for browsers: cut into a file each, they share dozens of small ones. */
export { AgentPage } from "./agent-page.tsx";
export { AgentsPage, AvailabilityWord } from "./agents-page.tsx";
export { BudgetsPage } from "./budgets-page.tsx";
export { ConnectionPage } from "./connection-page.tsx";
export { AddLinks, ConnectionsPage } from "./connections-page.tsx";
export { GeneralPage } from "./general-page.tsx";
export { GuidePage } from "./guide-page.tsx";
export { LabelsPage } from "./labels-page.tsx";
export { MembersPage, ROLE_WORDS } from "./members-page.tsx";
export { NewConnectionForm, NewConnectionPage, WebhookLines } from "./new-connection-page.tsx";
export { RepositoriesPage } from "./repositories-page.tsx";
export { SettingsFrame, SideFrame } from "./settings-frame.tsx";
export { SkillPage } from "./skill-page.tsx";
export { SkillsPage } from "./skills-page.tsx";
export { WorkspaceAuditPage } from "./workspace-audit-page.tsx";
