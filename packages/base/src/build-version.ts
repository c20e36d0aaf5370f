declare const BUILD_VERSION: string | undefined;

/** Version of the running program: set by `scripts/build.ts`, `0.0.0-dev` when run from source. */
export const buildVersion: string = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "0.0.0-dev";

/**
 * Whether Bun runs us from the source tree. An executable must not ask the disk for that: the paths of the tree it was built
 * from are in it, and on the machine that built it they exist.
 */
export const runsFromSource = typeof BUILD_VERSION !== "string";
