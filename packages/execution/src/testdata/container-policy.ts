/** One fact about every agent container, as `docker inspect` shows it. */
export interface PolicyRow {
  /** Item of the CIS Docker Benchmark 1.6.0 that asks for it, or our own reason. */
  item: string;
  fact: string;
  /** Path in the inspect document, dots between the keys. */
  path: string;
  value: unknown;
}

/**
 * The confinement of every agent container (SB-01). Changing a row is a decision about security: the test compares each
 * with a container the engine has really made, with the limits `pids 512, memory 256m, cpus 2`.
 */
export const CONTAINER_POLICY: readonly PolicyRow[] = [
  { item: "CIS 4.1", fact: "runs as an ordinary user", path: "Config.User", value: "1000:1000" },
  {
    item: "CIS 5.2",
    fact: "keeps the engine's AppArmor, SELinux and seccomp profiles",
    path: "HostConfig.SecurityOpt",
    value: ["no-new-privileges"],
  },
  { item: "CIS 5.4", fact: "drops every capability", path: "HostConfig.CapDrop", value: ["ALL"] },
  { item: "CIS 5.4", fact: "adds no capability", path: "HostConfig.CapAdd", value: null },
  { item: "CIS 5.5", fact: "is not privileged", path: "HostConfig.Privileged", value: false },
  { item: "CIS 5.6", fact: "has no bind in the old notation", path: "HostConfig.Binds", value: null },
  { item: "CIS 5.6", fact: "takes no volumes from elsewhere", path: "HostConfig.VolumesFrom", value: null },
  { item: "CIS 5.8", fact: "maps no port", path: "HostConfig.PortBindings", value: {} },
  { item: "CIS 5.9", fact: "publishes no port", path: "HostConfig.PublishAllPorts", value: false },
  {
    item: "CIS 5.10",
    fact: "is on the configured network",
    path: "HostConfig.NetworkMode",
    value: "windshift-test",
  },
  { item: "CIS 5.11", fact: "has a memory limit", path: "HostConfig.Memory", value: 268_435_456 },
  { item: "CIS 5.11", fact: "has no swap", path: "HostConfig.MemorySwap", value: 268_435_456 },
  {
    item: "CIS 5.11",
    fact: "can be ended by the memory limit",
    path: "HostConfig.OomKillDisable",
    value: false,
  },
  {
    item: "CIS 5.12",
    fact: "has a limit of processor time",
    path: "HostConfig.NanoCpus",
    value: 2_000_000_000,
  },
  { item: "CIS 5.13", fact: "has a read-only root", path: "HostConfig.ReadonlyRootfs", value: true },
  {
    item: "CIS 5.13",
    fact: "has scratch space in memory, without setuid and devices",
    path: "HostConfig.Tmpfs",
    value: {
      "/tmp": "rw,exec,nosuid,nodev,size=2g,mode=1777",
      "/home/agent": "rw,exec,nosuid,nodev,size=2g,mode=0700,uid=1000,gid=1000",
    },
  },
  {
    item: "CIS 5.15",
    fact: "is never restarted",
    path: "HostConfig.RestartPolicy",
    value: { Name: "no", MaximumRetryCount: 0 },
  },
  { item: "CIS 5.16", fact: "has its own process table", path: "HostConfig.PidMode", value: "" },
  { item: "CIS 5.17", fact: "has its own IPC", path: "HostConfig.IpcMode", value: "private" },
  { item: "CIS 5.18", fact: "has no device", path: "HostConfig.Devices", value: [] },
  { item: "CIS 5.18", fact: "may make no device", path: "HostConfig.DeviceCgroupRules", value: null },
  { item: "CIS 5.18", fact: "asks for no device driver", path: "HostConfig.DeviceRequests", value: null },
  {
    item: "CIS 5.19",
    fact: "has limits of open files and core dumps",
    path: "HostConfig.Ulimits",
    value: [
      { Name: "core", Hard: 0, Soft: 0 },
      { Name: "nofile", Hard: 16_384, Soft: 16_384 },
    ],
  },
  { item: "CIS 5.21", fact: "has its own host name space", path: "HostConfig.UTSMode", value: "" },
  {
    item: "CIS 5.24",
    fact: "has its own view of cgroups",
    path: "HostConfig.CgroupnsMode",
    value: "private",
  },
  { item: "CIS 5.25", fact: "stays in the engine's cgroup", path: "HostConfig.CgroupParent", value: "" },
  { item: "CIS 5.29", fact: "has a limit of processes", path: "HostConfig.PidsLimit", value: 512 },
  { item: "CIS 5.31", fact: "shares no user name space", path: "HostConfig.UsernsMode", value: "" },
  { item: "ours", fact: "joins no further group", path: "HostConfig.GroupAdd", value: null },
  { item: "ours", fact: "has an init that reaps orphans", path: "HostConfig.Init", value: true },
  {
    item: "ours",
    fact: "leaves no log with the engine",
    path: "HostConfig.LogConfig",
    value: { Type: "none", Config: {} },
  },
  { item: "ours", fact: "gets no further host names", path: "HostConfig.ExtraHosts", value: null },
  { item: "ours", fact: "is linked to no other container", path: "HostConfig.Links", value: null },
  { item: "ours", fact: "has no terminal", path: "Config.Tty", value: false },
  { item: "ours", fact: "has an open input that ends with us", path: "Config.StdinOnce", value: true },
  { item: "ours", fact: "starts in the checkout", path: "Config.WorkingDir", value: "/workspace" },
  { item: "ours", fact: "has a host name that says nothing", path: "Config.Hostname", value: "agent" },
];
