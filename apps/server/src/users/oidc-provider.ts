import type { ClientAuth, Configuration } from "openid-client";

/** The sign-in provider as the settings name it. */
export interface OidcSettings {
  /** Its issuer, to the letter. */
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  /** What its button is called. */
  name: string;
  /** Whether whoever it lets in gets an account. */
  autoCreate: boolean;
}

/** What one sign-in has to bring back. */
export interface OidcChecks {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** Whom the provider means. */
export interface OidcIdentity {
  issuer: string;
  subject: string;
  name: string | undefined;
  email: string | undefined;
  /** True only when the provider says so. */
  emailVerified: boolean;
}

/** Where a sign-in by the provider begins; `return_to` in its query is the path of ours to go on with. */
export const OIDC_SIGN_IN_PATH = "/api/oidc/start";

export interface OidcProvider {
  readonly settings: OidcSettings;
  /** A new sign-in, and where the browser goes for it. */
  begin(redirectUri: string): Promise<OidcChecks & { url: string }>;
  /**
   * Takes the answer apart and asks the provider for the identity: state, nonce, PKCE, issuer, audience, times and the
   * signature are checked (WB-08).
   * @param answer the address that the browser came back to
   */
  end(answer: URL, checks: OidcChecks): Promise<OidcIdentity>;
}

/** Longest answer of a provider, bytes: its metadata and keys are a few thousand. */
const ANSWER_BYTES_MAX = 1_048_576;
/** How long one answer of a provider may take, s. */
const ANSWER_S_MAX = 10;
/** How far the provider's clock may be from ours, s. */
const CLOCK_S_MAX = 30;
/** The provider's metadata is read again after this, ms. */
const METADATA_MS = 3_600_000;
const SCOPE = "openid profile email";

/** The client library is loaded when somebody first signs in by the provider: few servers have one. */
export function createOidcProvider(settings: OidcSettings): OidcProvider {
  let known: { config: Promise<Configuration>; untilMs: number } | undefined;
  const configure = () => {
    if (known === undefined || Date.now() > known.untilMs) {
      const config = discover(settings);
      known = { config, untilMs: Date.now() + METADATA_MS };
      // A provider that does not answer now may answer the next time.
      config.catch(() => {
        known = undefined;
      });
    }
    return known.config;
  };
  return {
    settings,
    begin: async (redirectUri) => {
      const client = await import("openid-client");
      const config = await configure();
      const checks = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: SCOPE,
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.codeVerifier),
        code_challenge_method: "S256",
      });
      return { ...checks, url: url.href };
    },
    end: async (answer, checks) => readIdentity(await configure(), answer, checks),
  };
}

async function discover(settings: OidcSettings): Promise<Configuration> {
  const client = await import("openid-client");
  const issuer = new URL(settings.issuer);
  return client.discovery(
    issuer,
    settings.clientId,
    { [client.clockTolerance]: CLOCK_S_MAX },
    authOf(client, settings.clientSecret),
    {
      // Without this the library trusts the connection to the provider and does not look at signatures.
      execute: [
        client.enableNonRepudiationChecks,
        ...(issuer.protocol === "http:" ? [client.allowInsecureRequests] : []),
      ],
      timeout: ANSWER_S_MAX,
      [client.customFetch]: boundedFetch,
    },
  );
}

/** The secret goes where the provider wants it: by default in a header. */
function authOf(client: typeof import("openid-client"), secret: string | undefined): ClientAuth {
  if (secret === undefined) return client.None();
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const auth = methods.includes("client_secret_basic")
      ? client.ClientSecretBasic(secret)
      : client.ClientSecretPost(secret);
    return auth(server, ...rest);
  };
}

async function readIdentity(config: Configuration, answer: URL, checks: OidcChecks): Promise<OidcIdentity> {
  const client = await import("openid-client");
  const tokens = await client.authorizationCodeGrant(config, answer, {
    expectedState: checks.state,
    expectedNonce: checks.nonce,
    pkceCodeVerifier: checks.codeVerifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (claims === undefined) throw new Error("the provider gave no ID token");
  const asked = typeof claims.email !== "string" && config.serverMetadata().userinfo_endpoint !== undefined;
  const more = asked ? await client.fetchUserInfo(config, tokens.access_token, claims.sub) : {};
  const all: Record<string, unknown> = { ...more, ...claims };
  return {
    issuer: claims.iss,
    subject: claims.sub,
    name: typeof all.name === "string" ? all.name : undefined,
    email: typeof all.email === "string" ? all.email : undefined,
    emailVerified: all.email_verified === true,
  };
}

/** An answer is read whole, so it must not be without end. */
async function boundedFetch(url: string, options: object): Promise<Response> {
  const response = await fetch(url, options);
  if (response.body === null) return response;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the provider's answer is over ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part);
  }
  const { status, statusText, headers } = response;
  const bodiless = status === 204 || status === 304;
  return new Response(bodiless ? null : Buffer.concat(parts), { status, statusText, headers });
}
