import { buildVersion } from "@windshift/base/build-version.ts";
import { recordDenied } from "./audit/audit-store.ts";
import { addBindingRoutes } from "./bindings/binding-routes.ts";
import { addBrokerRoutes } from "./brokers/broker-routes.ts";
import type { ServerSettings } from "./config.ts";
import { addConnectionRoutes } from "./connections/connection-routes.ts";
import type { CrashPoints } from "./crash-point.ts";
import type { Database } from "./db/database.ts";
import { createApp } from "./http/app.ts";
import type { Log } from "./http/log.ts";
import type { RouteTable } from "./http/route-table.ts";
import { createAttemptFence, createBrokers, createRunTokenPort } from "./ports.ts";
import { addPullRequestRoutes } from "./pull-requests/pull-request-routes.ts";
import { addRepositoryRoutes } from "./repositories/repository-routes.ts";
import type { Forge } from "./runs/forge.ts";
import { addItemRunRoutes } from "./runs/item-run-routes.ts";
import type { RunDefaults } from "./runs/run-create.ts";
import { addRunRoutes } from "./runs/run-routes.ts";
import { createTriggers } from "./runs/run-service.ts";
import { derivedKey, type MasterKey } from "./secrets/secret-box.ts";
import { createSignIn } from "./users/sign-in.ts";
import { addUserRoutes } from "./users/user-routes.ts";
import { addCommentRoutes } from "./work-items/comment-routes.ts";
import { addWorkItemRoutes } from "./work-items/work-item-routes.ts";
import { workItemScope } from "./work-items/work-item-store.ts";
import { findRole } from "./workspaces/membership-store.ts";
import { addWorkspaceRoutes } from "./workspaces/workspace-routes.ts";

/** What a running server is made of, once its database and its key are open. */
export interface ServerParts {
  settings: ServerSettings;
  database: Database;
  masterKey: MasterKey;
  /** Folder of all local bare repositories, absolute. */
  repositoriesRoot: string;
  forge: Forge;
  defaults: RunDefaults;
  crash: CrashPoints;
  log: Log;
}

/** All routes of the server; the order does not matter. */
export function buildRoutes(parts: ServerParts): RouteTable {
  const { settings, database, masterKey, repositoriesRoot, defaults, log } = parts;
  const { baseUrl } = settings;
  const db = database.kysely;
  const secret = Buffer.from(derivedKey(masterKey, "session cookies")).toString("base64url");
  const signIn = createSignIn({ database, baseUrl, secret, log });
  const memberships = { roleOf: (workspace: number, user: string) => findRole(db, workspace, user) };
  const service = { database, defaults };
  const triggers = createTriggers(service);
  const app = createApp({
    baseUrl,
    version: buildVersion,
    db,
    log,
    runTokens: createRunTokenPort(database),
    sessions: signIn,
    memberships,
    foreign: (caller, method, path) => recordDenied(db, caller, method, path),
  });
  addUserRoutes(app, { database, signIn });
  addWorkspaceRoutes(app, { database });
  addWorkItemRoutes(app, { database, triggers });
  addCommentRoutes(app, { database, triggers, fence: createAttemptFence(database) });
  addConnectionRoutes(app, { database, masterKey });
  addRepositoryRoutes(app, { database, repositoriesRoot });
  addBindingRoutes(app, { database, repositoriesRoot });
  addPullRequestRoutes(app, { database, repositoriesRoot });
  addItemRunRoutes(app, service, workItemScope);
  addRunRoutes(app, { ...service, memberships, sessions: signIn });
  addBrokerRoutes(app, createBrokers(parts));
  app.assertComplete();
  return app;
}
