/** All pages of the area, as one file for browsers: cut into a file each, they share dozens of small ones. */
export { AdminFrame } from "./admin-frame.tsx";
export { AuditLog, AuditPage } from "./audit-page.tsx";
export { BackupPage } from "./backup-page.tsx";
export { PoolPage } from "./pool-page.tsx";
export { PoolFacts, PoolFigures, PoolsPage } from "./pools-page.tsx";
export { UsagePage } from "./usage-page.tsx";
export { UsersPage } from "./users-page.tsx";
export { WorkspacesPage } from "./workspaces-page.tsx";
