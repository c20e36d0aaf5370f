import { dirname, join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { OutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { addActivityRoutes } from "./activity/activity-routes.ts";
import { addAuditRoutes } from "./audit/audit-routes.ts";
import { DeniedCalls } from "./audit/denied-calls.ts";
import { backupCommand } from "./backups/backup-command.ts";
import { BackupDesk } from "./backups/backup-desk.ts";
import { addBackupRoutes } from "./backups/backup-routes.ts";
import { addBindingRoutes } from "./bindings/binding-routes.ts";
import { bindingScope } from "./bindings/binding-store.ts";
import { addBrokerRoutes } from "./brokers/broker-routes.ts";
import type { BudgetHolds } from "./budgets/budget-holds.ts";
import { addBudgetRoutes } from "./budgets/budget-routes.ts";
import { addConnectionRoutes } from "./connections/connection-routes.ts";
import type { CrashPoints } from "./crash-point.ts";
import type { Database } from "./db/database.ts";
import type { ForgeClients } from "./forges/forge-clients.ts";
import { createForgeLists } from "./forges/forge-lists.ts";
import type { MemoryGate } from "./health/memory-gate.ts";
import { createApp } from "./http/app.ts";
import type { Log } from "./http/log.ts";
import { peopleOf } from "./http/principal.ts";
import type { RouteTable } from "./http/route-table.ts";
import { addInvitationRoutes } from "./invitations/invitation-routes.ts";
import { addLabelRoutes } from "./labels/label-routes.ts";
import { addMcpRoutes } from "./mcp/mcp-routes.ts";
import { addMetricsRoute } from "./metrics/metrics-route.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { addModelRoutes } from "./models/model-routes.ts";
import { addNotificationRoutes } from "./notifications/notification-routes.ts";
import { addItemPageRoutes } from "./pages/item-page-routes.ts";
import { addPageRoutes } from "./pages/page-routes.ts";
import { createAttemptFence, createBrokers, createRunTokenPort } from "./ports.ts";
import { addPullRequestRoutes } from "./pull-requests/pull-request-routes.ts";
import { addRepositoryRoutes } from "./repositories/repository-routes.ts";
import { ClaimDesk } from "./runners/host-claim.ts";
import { HostFinder } from "./runners/host-finder.ts";
import { HostPace } from "./runners/host-pace.ts";
import { addHostRoutes, type HostRouteParts } from "./runners/host-routes.ts";
import { addPoolRoutes } from "./runners/pool-routes.ts";
import { findByCredentials } from "./runners/runner-credential.ts";
import { addRunnerInstallRoutes } from "./runners/runner-install-routes.ts";
import { addWhoamiRoute } from "./runners/whoami-route.ts";
import { addAgentRoutes } from "./runs/agent-routes.ts";
import { addEventOutlineRoutes } from "./runs/event-outline-routes.ts";
import type { Forge } from "./runs/forge.ts";
import { hearsOutside } from "./runs/grants.ts";
import { addItemRunRoutes } from "./runs/item-run-routes.ts";
import { resumeAfterRaise } from "./runs/run-budget.ts";
import type { RunDefaults } from "./runs/run-create.ts";
import { addRunListRoutes } from "./runs/run-list-routes.ts";
import { addRunRecordRoutes } from "./runs/run-record-routes.ts";
import { addRunRoutes } from "./runs/run-routes.ts";
import { runScope } from "./runs/run-scope.ts";
import { createTriggers } from "./runs/run-service.ts";
import { addTestRunRoutes, type TestRunPorts } from "./runs/test-run-routes.ts";
import { derivedKey, type MasterKey } from "./secrets/secret-box.ts";
import { addRunSkillRoutes } from "./skills/run-skill-routes.ts";
import { addSkillRoutes } from "./skills/skill-routes.ts";
import { addApiTokenRoutes } from "./tokens/api-token-routes.ts";
import { findTokenPerson } from "./tokens/api-token-store.ts";
import { addCliLoginRoutes } from "./tokens/cli-login-routes.ts";
import { addAccountRoutes } from "./users/account-routes.ts";
import { addAdminUserRoutes } from "./users/admin-user-routes.ts";
import { createOidcProvider, type OidcSettings } from "./users/oidc-provider.ts";
import { addOidcRoutes } from "./users/oidc-routes.ts";
import { createSignIn, type PasswordHashing, type SignIn } from "./users/sign-in.ts";
import { addUserRoutes } from "./users/user-routes.ts";
import { addViewRoutes } from "./views/view-routes.ts";
import { addWebAppRoutes } from "./web-app/web-app-routes.ts";
import { addWebhookRoutes } from "./webhooks/webhook-routes.ts";
import { addCommentRoutes } from "./work-items/comment-routes.ts";
import { addWorkItemRoutes } from "./work-items/work-item-routes.ts";
import { insertWorkItem, workItemScope } from "./work-items/work-item-store.ts";
import { findRole } from "./workspaces/membership-store.ts";
import { addWorkspaceRoutes } from "./workspaces/workspace-routes.ts";
import { workspaceScope } from "./workspaces/workspace-store.ts";

/** What the routes are made of. */
export interface RouteParts {
  /** As browsers see the server. */
  baseUrl: string;
  database: Database;
  /** Where it is, if it is of PostgreSQL: its backups are written by a process apart. */
  databaseUrl?: string | undefined;
  masterKey: MasterKey;
  /** Folder of all local bare repositories, absolute. */
  repositoriesRoot: string;
  /** Folder of the transcripts that left the database, absolute; `archive` beside the repositories by default. */
  archiveDir?: string | undefined;
  defaults: RunDefaults;
  forge: Forge;
  forgeClients: ForgeClients;
  /** The way out to addresses that people entered. */
  outbound: OutboundFetch;
  /** What this process has set aside of budgets, and the calls it has not written down yet. */
  holds: BudgetHolds;
  crash: CrashPoints;
  log: Log;
  /** Of this process; of these routes alone by default. */
  metrics?: ServerMetrics;
  /** Turns costly work away while memory is short; without it none is. */
  memory?: MemoryGate | undefined;
  /** Opens `/metrics` to whoever sends it. */
  metricsToken?: string | undefined;
  /** The sign-in provider; undefined where there is none. */
  oidc?: OidcSettings | undefined;
  /** Tries to sign in from one address in a minute; the sign-in's own figure by default. */
  signInTriesMax?: number | undefined;
  /** How passwords are kept; as the sign-in does by default. */
  passwords?: PasswordHashing | undefined;
  /** Folder of the programs that hosts install a runner from, absolute; undefined where there is none. */
  runnerPrograms?: string | undefined;
  /** Agent image that new runners are given unless they name another. */
  runnerImage?: string | undefined;
  /** Adds to a job what its runner's part of the trace hangs from; absent when no traces are sent. */
  traced?: ((job: JobSpec) => JobSpec) | undefined;
  /** Adds to a trace what was done for a runner. */
  trace?: HostRouteParts["trace"];
  /** Routes beyond the product's, of a test. */
  addRoutes?: ((table: RouteTable) => void) | undefined;
}

export interface Routes {
  table: RouteTable;
  signIn: SignIn;
}

/** All routes of the server; their order does not matter. */
export function buildRoutes(parts: RouteParts): Routes {
  const { baseUrl, database, masterKey, repositoriesRoot, defaults, log, signInTriesMax } = parts;
  const forges = createForgeLists(parts.database.kysely, parts.forgeClients);
  const db = database.kysely;
  const secret = Buffer.from(derivedKey(masterKey, "session cookies")).toString("base64url");
  const metrics = parts.metrics ?? new ServerMetrics();
  const tries = signInTriesMax === undefined ? {} : { triesMax: signInTriesMax };
  const signIn = createSignIn({ database, baseUrl, secret, log, passwords: parts.passwords, ...tries });
  const memberships = { roleOf: (workspace: number, user: string) => findRole(db, workspace, user) };
  const service = { database, defaults, readBranch: parts.forge.readBranch };
  const triggers = createTriggers(service);
  const callers = {
    runTokens: createRunTokenPort(database),
    personTokens: { find: (token: string) => findTokenPerson(database, token) },
    sessions: signIn,
  };
  const people = peopleOf(callers);
  const denied = new DeniedCalls(db);
  const pace = new HostPace();
  const { memory } = parts;
  const hosts = new HostFinder((hashes) => findByCredentials(database, hashes), pace);
  const app = createApp({
    ...callers,
    baseUrl,
    version: buildVersion,
    db,
    log,
    memberships,
    runner: async (headers, path) => {
      const host = await hosts.find(headers.get("authorization"), path);
      const { id: runnerId, pool: poolId, instance, name } = host;
      return { kind: "runner", runnerId, poolId, instance, name };
    },
    doorkeeper: (request, path) => hosts.refusalOf(request, path) ?? memory?.refusalOf(request, path),
    answered: (answer) => metrics.answered(answer),
    foreign: (caller, method, path) => denied.record(caller, method, path),
  });
  const oidc = parts.oidc && createOidcProvider(parts.oidc);
  addUserRoutes(app, { database, signIn, oidc });
  addOidcRoutes(app, { database, signIn, baseUrl, log, provider: oidc, triesMax: signInTriesMax });
  addAuditRoutes(app, { database });
  const command = backupCommand(process.execPath, import.meta.dir);
  addBackupRoutes(
    app,
    new BackupDesk({
      database,
      databaseUrl: parts.databaseUrl,
      dataDir: dirname(repositoriesRoot),
      command,
      log,
    }),
  );
  addAdminUserRoutes(app, { database, signIn, baseUrl });
  addAccountRoutes(app, { database, signIn });
  addInvitationRoutes(app, { database, signIn, baseUrl });
  addApiTokenRoutes(app, { database });
  addCliLoginRoutes(app, { database, baseUrl });
  addWorkspaceRoutes(app, { database });
  const fence = createAttemptFence(database);
  addWorkItemRoutes(app, { ...callers, database, triggers, fence, memberships });
  addCommentRoutes(app, { database, triggers, fence, hearsOutside: (run) => hearsOutside(db, run) });
  addLabelRoutes(app, { database });
  addPageRoutes(app, { database });
  addItemPageRoutes(app, { database });
  addActivityRoutes(app, { database });
  addNotificationRoutes(app, { ...callers, database, memberships });
  addViewRoutes(app, { database });
  addConnectionRoutes(app, { ...parts, forges });
  addRepositoryRoutes(app, { database, repositoriesRoot, forges });
  addBindingRoutes(app, {
    database,
    budgetChanged: (id) => resumeAfterRaise(database, { scope: "binding", id }),
    readBranch: parts.forge.readBranch,
  });
  addPullRequestRoutes(app, { database, repositoriesRoot });
  addItemRunRoutes(app, service, workItemScope);
  addRunListRoutes(app, { database, workspaceScope });
  const archiveDir = parts.archiveDir ?? join(dirname(repositoriesRoot), "archive");
  addRunRecordRoutes(app, { database, archiveDir });
  addAgentRoutes(app, { database, defaults, workspaceScope });
  addTestRunRoutes(app, { ...service, bindingScope, createItem: createHiddenItem });
  addModelRoutes(app, { database });
  addBudgetRoutes(app, { database, changed: (of) => resumeAfterRaise(database, of) });
  addSkillRoutes(app, { database });
  addRunSkillRoutes(app, { database, runScope });
  addRunRoutes(app, { ...service, memberships, sessions: people });
  addEventOutlineRoutes(app, { database });
  addPoolRoutes(app, { database, baseUrl, defaults });
  addRunnerInstallRoutes(app, parts);
  const { traced } = parts;
  const desk = new ClaimDesk({ database, defaults, readBranch: parts.forge.readBranch, log, traced });
  addHostRoutes(app, { database, masterKey, defaults, desk, pace, trace: parts.trace, log });
  addWhoamiRoute(app, database);
  addBrokerRoutes(app, createBrokers(parts), memory);
  addMetricsRoute(app, { database, metrics, sessions: signIn, token: parts.metricsToken });
  addWebhookRoutes(app, parts);
  addMcpRoutes(app);
  addWebAppRoutes(app);
  parts.addRoutes?.(app);
  app.assertComplete();
  return { table: app, signIn };
}

/** The item of a test run. */
const createHiddenItem: TestRunPorts["createItem"] = (tx, item) =>
  insertWorkItem(tx, {
    ...item,
    status: "todo",
    priority: "none",
    assignee_id: null,
    parentId: null,
    hidden: true,
  });
