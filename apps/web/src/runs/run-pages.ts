/** All pages of the area, as one file for browsers: cut into a file each, they share dozens of small ones. */
export { RunPage } from "./run-page.tsx";
export { WorkspaceRunsPage } from "./workspace-runs-page.tsx";
