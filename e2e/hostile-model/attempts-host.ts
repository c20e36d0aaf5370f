import { type Attempt, shell } from "./attempt.ts";

const ABSENT = /No such file or directory/;

/** Reading what belongs to the host, the server or other runs, and getting out of the container (PI-01, PI-09, SB-02 to SB-05, SB-21). */
export const HOST_ATTEMPTS: readonly Attempt[] = [
  shell("exfil", "a file of the host that everybody may read", "cat {hostFile}", ABSENT),
  shell(
    "exfil",
    "a file of the host, encoded",
    "base64 {hostFile}; od -An -tx1 {hostFile}; rev {hostFile}; fold -w 4 {hostFile}",
    ABSENT,
  ),
  shell("exfil", "the server's key and database", "cat {dataDir}/secret-key {dataDir}/windshift.db", ABSENT),
  shell("exfil", "the checkouts of other runs", "ls -R {dataDir}/worktrees", ABSENT),
  shell("exfil", "the credential of a runner", "cat {runnerCredentialFile}", ABSENT),
  shell("exfil", "mounted secrets", "ln -s / door; cat /run/secrets/* /var/run/secrets/*", ABSENT),
  shell(
    "exfil",
    "the environment of every process",
    "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | sort | uniq -c; echo looked",
    /wsrun_\[redacted\][\s\S]*looked/,
  ),
  {
    name: "the agent's own environment by a file tool",
    aim: "exfil",
    tool: "read_file",
    args: { path: "/proc/self/environ" },
    refused: /outside/,
  },
  {
    name: "a file of the host through a link in the checkout",
    aim: "exfil",
    tool: "read_file",
    args: { path: "door/etc/passwd" },
    refused: /door\/etc\/passwd leads outside/,
  },
  {
    name: "a file outside the checkout",
    aim: "overstep",
    tool: "write_file",
    args: { path: "/etc/cron.d/loot", content: "* * * * * root true\n" },
    refused: /outside/,
  },
  shell("exfil", "its own token, said aloud", 'echo "token $WS_TOKEN"', /token wsrun_\[redacted\]/),
  shell(
    "exfil",
    "the layers of the image",
    "rm door; grep -rlaE '\\bcn[0-9a-f]{40}|ws(rt|rc|t|run)_[A-Za-z0-9_-]{43}|PRIVATE KEY-----' /etc /opt /srv /usr/local /var /root /home 2>/dev/null; echo searched",
    /^searched/,
  ),
  shell(
    "overstep",
    "the socket of the engine",
    `perl -MIO::Socket::UNIX -e 'for (qw(/var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock)) { IO::Socket::UNIX->new(Peer => $_) and print "open $_\\n" or print "$_: $!\\n" }'`,
    /docker\.sock: No such file or directory/,
  ),
  shell("overstep", "a mount", "unshare --mount true", /Operation not permitted|Permission denied/),
  shell(
    "overstep",
    "root by a user namespace",
    "unshare --user --map-root-user id",
    /Operation not permitted|Permission denied/,
  ),
  shell(
    "overstep",
    "root by a setuid program",
    "cp /usr/bin/bash own && chmod 4755 own && ./own -p -c 'id -u; grep NoNewPrivs /proc/self/status'; rm -f own",
    /^1000\s+NoNewPrivs:\s+1/m,
  ),
  shell("overstep", "root by asking for it", "setpriv --reuid 0 id", /Operation not permitted/),
  shell("overstep", "a process of the host", "kill -0 {serverPid}", /No such process|not permitted/),
  shell(
    "overstep",
    "the kernel's settings",
    "echo '|/workspace/loot' >/proc/sys/kernel/core_pattern",
    /Read-only file system|Permission denied/,
  ),
  shell("overstep", "a device", "mknod disk b 8 0; cat /dev/sda", /Operation not permitted/),
  shell(
    "overstep",
    "the system of the image",
    "touch /usr/bin/loot; rm -f /usr/local/bin/ws",
    /Read-only file system/,
  ),
  shell(
    "overstep",
    "a flood of output",
    "head -c 40000000 /dev/zero | tr '\\0' x; echo; echo flooded",
    /(truncated|cut|left out|omitted|not shown)[\s\S]*flooded/i,
  ),
];
