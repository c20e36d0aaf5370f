/**
 * The frame of the app and the pages people work on, as one file for browsers, which comes at once with the first page: cut into
 * a file each, they share dozens of small ones.
 */
export { PullRequestPage } from "../pull-requests/pull-request-page.tsx";
export { RunPage } from "../runs/run-page.tsx";
export { readRun } from "../runs/run-reads.ts";
export { WorkspaceRunsPage } from "../runs/workspace-runs-page.tsx";
export { AppShell } from "../shell/app-shell.tsx";
export { WorkspaceActivityPage } from "../tracker/activity-page.tsx";
export { BoardPage } from "../tracker/board-page.tsx";
export { InboxPage } from "../tracker/inbox-page.tsx";
export { ItemListPage, NewItemButton, NoItems } from "../tracker/item-list-page.tsx";
export { ItemPage } from "../tracker/item-page.tsx";
export { readItem } from "../tracker/item-reads.ts";
export { MyWorkPage } from "../tracker/my-work-page.tsx";
export { PagesPage } from "../tracker/pages-page.tsx";
