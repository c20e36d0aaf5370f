/** Every path of the app that something links to. */
export const paths = {
  myWork: "/",
  inbox: "/inbox",
  account: "/account",
  login: (next?: string) => (next === undefined ? "/login" : `/login?next=${encodeURIComponent(next)}`),
  items: (workspace: string) => `/w/${workspace}`,
  board: (workspace: string) => `/w/${workspace}/board`,
  pages: (workspace: string) => `/w/${workspace}/pages`,
  page: (workspace: string, page: number) => `/w/${workspace}/pages/${page}`,
  runs: (workspace: string) => `/w/${workspace}/runs`,
  activity: (workspace: string) => `/w/${workspace}/activity`,
  guide: (workspace: string) => `/w/${workspace}/setup`,
  settings: (workspace: string, part = "general") => `/w/${workspace}/settings/${part}`,
  item: (key: string) => `/items/${key}`,
  run: (item: string, run: number) => `/items/${item}/runs/${run}`,
  pullRequest: (id: number) => `/pull-requests/${id}`,
  admin: (part: AdminPart) => `/admin/${part}`,
};
export type AdminPart = "users" | "workspaces" | "runners" | "usage" | "audit" | "backup";
