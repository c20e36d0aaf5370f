import { addBindingRoutes } from "./bindings/binding-routes.ts";
import { addConnectionRoutes } from "./connections/connection-routes.ts";
import type { Database } from "./db/database.ts";
import type { RouteTable } from "./http/route-table.ts";
import { addPullRequestRoutes } from "./pull-requests/pull-request-routes.ts";
import { addRepositoryRoutes } from "./repositories/repository-routes.ts";
import type { MasterKey } from "./secrets/secret-box.ts";
import type { SignIn } from "./users/sign-in.ts";
import { addUserRoutes } from "./users/user-routes.ts";
import { addCommentRoutes } from "./work-items/comment-routes.ts";
import type { AttemptFence, Triggers } from "./work-items/triggers.ts";
import { addWorkItemRoutes } from "./work-items/work-item-routes.ts";
import { addWorkspaceRoutes } from "./workspaces/workspace-routes.ts";

export interface TrackerPorts {
  database: Database;
  masterKey: MasterKey;
  signIn: SignIn;
  triggers: Triggers;
  fence: AttemptFence;
  /** Folder of all bare repositories, absolute. */
  repositoriesRoot: string;
}

/** All routes but those of runs, runners and brokers. */
export function addTrackerRoutes(table: RouteTable, ports: TrackerPorts): void {
  addUserRoutes(table, ports);
  addWorkspaceRoutes(table, ports);
  addWorkItemRoutes(table, ports);
  addCommentRoutes(table, ports);
  addConnectionRoutes(table, ports);
  addRepositoryRoutes(table, ports);
  addBindingRoutes(table, ports);
  addPullRequestRoutes(table, ports);
}
