import { ForgeError, type RepositoryAddress } from "./forge-client.ts";

/** forgejo-js puts what it is given into the path as it is, so it is encoded here; `..` would change the path. */
export function pathOf({ owner, name }: RepositoryAddress): [owner: string, name: string] {
  return [segment(owner), segment(name)];
}

/** A branch keeps its slashes: the forge takes the rest of the path. */
export function branchPath(branch: string): string {
  return branch.split("/").map(segment).join("/");
}

/** One segment of a path, encoded. @throws ForgeError `refused` for what would lead elsewhere */
export function segment(text: string): string {
  if (text === "" || text === "." || text === "..")
    throw new ForgeError("refused", `${JSON.stringify(text)} is not a name that can stand in an address.`);
  return encodeURIComponent(text);
}
