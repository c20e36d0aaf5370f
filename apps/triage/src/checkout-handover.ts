import { type Dirent, lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Looks for a way out of a fresh `.git`: every entry must be a folder or a file with no second name, and none may point
 * at another object store.
 * @returns what is wrong, one sentence each; empty when the checkout shares nothing
 */
export function findShared(gitDir: string): string[] {
  const problems: string[] = [];
  walk(gitDir, (path, entry) => {
    if (entry.isDirectory()) return;
    const stat = lstatSync(path);
    if (!stat.isFile()) problems.push(`${path} is neither a file nor a folder`);
    else if (stat.nlink !== 1) problems.push(`${path} has a second name`);
    if (/\/objects\/info\/(?:http-)?alternates$/.test(path)) problems.push(`${path} points at other objects`);
  });
  return problems;
}

/**
 * Gives a folder and all in it to the user of the container. Links are given away themselves, never followed. The folder
 * itself comes last: until then it is closed to that user, whose container may already run, so nothing changes below us.
 */
export function handOver(dir: string, owner: Owner): void {
  walk(dir, (path) => lchownSync(path, owner.uid, owner.gid));
  lchownSync(dir, owner.uid, owner.gid);
}

function walk(dir: string, visit: (path: string, entry: Dirent) => void): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    visit(path, entry);
    if (entry.isDirectory()) walk(path, visit);
  }
}
