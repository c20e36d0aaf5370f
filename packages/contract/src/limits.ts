/**
 * Limits that cross a process or that people see. Every limit of the product is a named constant with unit and
 * reason; docs/limits.md lists them. Sources: INTERFACES section 6, SECURITY section C2.
 */

/** Lease lifetime, ms: three heartbeats, so two may be lost. */
export const LEASE_MS = 90_000;
/** Time between heartbeats of an attempt, ms. */
export const HEARTBEAT_INTERVAL_MS = 30_000;
/** Time between sweeps for lapsed leases, ms. Lease + sweep = a lost runner is found within 95 s. */
export const SWEEP_INTERVAL_MS = 5_000;
/** Leases of one run before it is given up. */
export const ATTEMPTS_MAX = 3;
/** Runs one runner may take at once, and labels of a runner, a pool or a binding: far beyond what a host bears or people oversee. */
export const RUNNER_CAPACITY_MAX = 100;
export const RUNNER_LABELS_MAX = 20;
/** Runs of one pool at once. */
export const POOL_RUNNING_MAX = 10_000;
/** How long a registration token may be used at most, ms. */
export const REGISTRATION_TOKEN_MS_MAX = 30 * 86_400_000;
/** How long a registration is repeated with the same nonce, ms: the first answer may have been lost. */
export const REGISTRATION_REPEAT_MS = 600_000;
/** How long the former credential of a runner works after a rotation, ms. */
export const CREDENTIAL_OVERLAP_MS = 3_600_000;
/** Longest wait of a claim or for notices, ms: below the 30 s after which many proxies cut a silent request. */
export const LONG_POLL_MS_MAX = 25_000;
/** How long a runner that reaches no server lets its containers go on, ms; then it stops them. Their lease lapsed before. */
export const PARTITION_MS_MAX = 240_000;
/** Events of one attempt that a runner keeps on disk for a server it cannot reach, bytes; then only text as it is written is dropped, and the transcript says so. */
export const SPOOL_BYTES_MAX = 64 * 1_048_576;
/** Wall clock of one run, ms; a binding may set less or more, up to RUN_WALL_CLOCK_MS_MAX. */
export const RUN_WALL_CLOCK_MS = 8 * 3_600_000;
export const RUN_WALL_CLOCK_MS_MAX = 24 * 3_600_000;
/** Time for fetch and checkout, ms. */
export const PREPARE_MS_MAX = 10 * 60_000;
/** Time for taking the commits out and for pushing them, ms each. */
export const EXPORT_MS_MAX = 10 * 60_000;
export const PUSH_MS_MAX = 30 * 60_000;
/** Time an agent has to end after `abort` before its container is killed, ms. */
export const ABORT_GRACE_MS = 10_000;
/** Model calls of one run. */
export const AGENT_TURNS_MAX = 200;

/** One JSONL line, bytes. */
export const JSONL_LINE_BYTES_MAX = 1_048_576;
/** A batch of events: count, bytes, and how long the first one waits, ms. */
export const EVENT_BATCH_MAX = 100;
export const EVENT_BATCH_BYTES_MAX = 262_144;
export const EVENT_BATCH_WAIT_MS = 250;
/** What one attempt may put in its transcript, bytes; the rest is dropped and the transcript says so. */
export const TRANSCRIPT_BYTES_MAX = 64 * 1_048_576;
/**
 * What the server stores of one attempt's transcript: events, and bytes of their data. A quarter, and some 300,000 events, above what a
 * runner lets its agent fill, for what the runner says itself; a host that sends more is not an honest one.
 */
export const ATTEMPT_EVENTS_MAX = 1_000_000;
export const ATTEMPT_EVENT_BYTES_MAX = 80 * 1_048_576;
/** One event's text fields are cut to this, bytes, with a marker. */
export const EVENT_BYTES_MAX = 65_536;
/** Page of events: default and largest. */
export const EVENT_PAGE = 200;
export const EVENT_PAGE_MAX = 500;
/** A page of events, bytes of their data: what a client can hold at ease. The page is shorter then. */
export const EVENT_PAGE_BYTES_MAX = 4 * 1_048_576;

/** A bundle of a run's commits, bytes. */
export const BUNDLE_BYTES_MAX = 2 * 1024 ** 3;
/** Commits and objects a run may bring. */
export const EXPORT_COMMITS_MAX = 1_000;
/** Bodies, bytes: git through the broker, LLM through the broker, control plane and API. */
export const GIT_BODY_BYTES_MAX = 2 * 1024 ** 3;
export const LLM_BODY_BYTES_MAX = 16 * 1_048_576;
export const API_BODY_BYTES_MAX = 1_048_576;
/** Models that a binding may name beside its first one: more would only hide that none of them works. */
export const FALLBACKS_MAX = 4;
/**
 * Model calls of one run under way at once, over whichever connection; the next ones wait. An agent and those of its own
 * kind beside it make ten or so; more is a loop, which would take the provider's rate limit from every other run.
 */
export const LLM_RUN_CALLS_MAX = 16;
/** How long the broker waits for a model's response header, ms. */
export const LLM_HEADER_MS_MAX = 5 * 60_000;

/** Text fields. Bytes where the name says so, else characters. */
export const TITLE_CHARS_MAX = 500;
export const DESCRIPTION_BYTES_MAX = 262_144;
export const COMMENT_BYTES_MAX = 65_536;
export const INSTRUCTIONS_CHARS_MAX = 8_000;
/** A message to a run, or the instruction of a rerun: what a person writes, not a document. */
export const RUN_MESSAGE_BYTES_MAX = 32_768;
export const SUMMARY_BYTES_MAX = 65_536;
export const PR_TITLE_BYTES_MAX = 200;
/** What a person adds when an item is assigned to an agent, bytes: a remark; what is longer belongs on the item. */
export const RUN_INSTRUCTION_BYTES_MAX = 8_192;
/** Skills. A binding's are listed in every prompt, so they are few; a workspace's are looked through by people. */
export const SKILL_NAME_CHARS_MAX = 120;
export const SKILL_DESCRIPTION_CHARS_MAX = 500;
export const SKILL_BODY_BYTES_MAX = 65_536;
export const BINDING_SKILLS_MAX = 20;
export const WORKSPACE_SKILLS_MAX = 200;
/** Changed files that a run lists: what a page shows at ease. The rest is counted. */
export const RUN_FILES_MAX = 300;
/** The patch that a test run leaves, and one whose push was refused, bytes: its report has to fit into a body of the control plane. */
export const RUN_PATCH_BYTES_MAX = 262_144;
/** Comments one run may post through `ws`. */
export const RUN_COMMENTS_MAX = 50;

/** Opening the pull request: tries and time, then the run shows the failure. */
export const PUBLISH_TRIES_MAX = 3;
export const PUBLISH_MS_MAX = 90_000;
/** The final report of an attempt has its own deadline, ms. */
export const REPORT_MS_MAX = 120_000;

/** Names of people, agents, workspaces and connections, characters. */
export const NAME_CHARS_MAX = 120;
/** Passwords, characters: long enough to resist guessing at the sign-in rate limit, short enough to hash. */
export const PASSWORD_CHARS_MIN = 10;
export const PASSWORD_CHARS_MAX = 128;
/** How long an API token works, days: by default a quarter of a year, at most one year, as a forgotten one must end. */
export const API_TOKEN_DAYS = 90;
export const API_TOKEN_DAYS_MAX = 366;
/** API tokens of one person that work at once. */
export const API_TOKENS_MAX = 100;
/** How long an invitation can be taken, days; a link in an old mail must not open a workspace. */
export const INVITATION_DAYS = 7;
export const INVITATION_DAYS_MAX = 30;
/** How long a link to choose a password works, ms: a day, as it is handed over by people. */
export const PASSWORD_LINK_MS_MAX = 86_400_000;
/** How long a sign-in of `ws` waits for its approval, ms, and how long `ws` waits between two asks, s. */
export const CLI_LOGIN_MS_MAX = 600_000;
export const CLI_LOGIN_POLL_S = 2;
/** A provider's model id, characters. */
export const MODEL_CHARS_MAX = 200;
/** A model's context window, tokens: below this, system prompt, tools and a reply leave no room for work. */
export const LLM_CONTEXT_TOKENS_MIN = 4_000;
/** The same, far over what exists, to catch slips. */
export const LLM_CONTEXT_TOKENS_MAX = 100_000_000;
/** Model calls at once that a connection can be limited to: more than one server's runs make, to catch slips. */
export const LLM_CONCURRENCY_MAX = 10_000;
/** Pages of the API's lists: default and largest. */
export const LIST_PAGE = 50;
export const LIST_PAGE_MAX = 200;
/** A diff as the review shows it, bytes, and how many commits and files it lists. */
export const DIFF_BYTES_MAX = 1_048_576;
export const PR_COMMITS_MAX = 1_000;
export const DIFF_FILES_MAX = 3_000;

/** Labels of a workspace, of one item, and a label's name, characters: what people can oversee in a menu and on a card. */
export const LABELS_MAX = 200;
export const ITEM_LABELS_MAX = 20;
export const LABEL_NAME_CHARS_MAX = 50;
/** How deep items may lie below each other: enough for goal, feature, task, step; a deeper tree is a plan nobody reads. */
export const ITEM_DEPTH_MAX = 5;
/** Sub-items that an item's own page lists; the rest is in the list of items, by `parent`. */
export const CHILDREN_SHOWN_MAX = 100;
/** A search, characters, and the values of one filter of a list. */
export const SEARCH_CHARS_MAX = 200;
export const FILTER_VALUES_MAX = 20;
/** A page's text, bytes; pages of a workspace; how deep they lie; versions kept of each, older ones go. */
export const PAGE_BYTES_MAX = 262_144;
export const PAGES_MAX = 5_000;
export const PAGE_DEPTH_MAX = 10;
export const PAGE_VERSIONS_MAX = 100;
/** Pages linked to one item: they go into the prompt of its runs. */
export const ITEM_PAGES_MAX = 20;
/** Saved views of one person in a workspace. */
export const VIEWS_MAX = 100;
/** Notifications kept for one person; older ones go. */
export const NOTIFICATIONS_MAX = 1_000;
/** People and agents that one comment can mention. */
export const MENTIONS_MAX = 50;
/** How much of a comment a notification shows, characters. */
export const EXCERPT_CHARS_MAX = 200;
