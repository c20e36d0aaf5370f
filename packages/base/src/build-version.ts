declare const BUILD_VERSION: string | undefined;

/** Version of the running program: set by `scripts/build.ts`, `0.0.0-dev` when run from source. */
export const buildVersion: string = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "0.0.0-dev";
