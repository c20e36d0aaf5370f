import { createHash, createHmac, createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { assert } from "@windshift/contract/app-error.ts";

/** One way in which a provider, or somebody between it and the browser, can be wrong. */
export interface Misbehavior {
  /** Put over the claims of the ID token; undefined leaves one out. */
  claims?: Record<string, unknown>;
  alg?: "none" | "HS256" | "RS256";
  /** Signs with a key that the provider does not publish. */
  foreignKey?: boolean;
  /** Changes the payload after it was signed. */
  tampered?: boolean;
  noIdToken?: boolean;
  /** Of the answer to the browser. */
  answerIss?: string;
  /** Says a foreign issuer in its metadata. */
  metadataIssuer?: string;
}

/** A person at the provider. */
export interface ProviderPerson {
  sub: string;
  name?: string;
  email?: string;
  email_verified?: boolean;
}

interface Grant {
  person: ProviderPerson;
  nonce: string;
  challenge: string;
  redirectUri: string;
}

/** An OpenID provider on the loopback address that does everything right, and what it is told to do wrong. */
export interface TestProvider {
  issuer: string;
  clientId: string;
  clientSecret: string;
  misbehave: Misbehavior;
  /** Who is signed in at the provider. */
  person: ProviderPerson;
  /** Claims that only its user information has. */
  userinfo: Record<string, unknown> | undefined;
  /** Codes that were exchanged, in order. */
  exchanged: string[];
  /** What a browser does with the address it was sent to. @returns where the provider sends it back to */
  visit(url: string): Promise<URL>;
  close(): Promise<void>;
}

const KID = "test-key";

export function startTestProvider(name = "one"): TestProvider {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const foreign = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const grants = new Map<string, Grant>();
  const listener = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  const issuer = `http://127.0.0.1:${listener.port}`;
  const provider: TestProvider = {
    issuer,
    clientId: `client-${name}`,
    clientSecret: `secret of ${name} with : and %`,
    misbehave: {},
    person: { sub: "person-1" },
    userinfo: undefined,
    exchanged: [],
    visit: async (url) => {
      const response = await fetch(url, { redirect: "manual" });
      assert(response.status === 302, `the provider answers ${response.status}: ${await response.text()}`);
      return new URL(response.headers.get("location") ?? "");
    },
    close: async () => void (await listener.stop(true)),
  };
  return provider;

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return Response.json({
          issuer: provider.misbehave.metadataIssuer ?? issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          authorization_response_iss_parameter_supported: true,
        });
      case "/jwks":
        return Response.json({
          keys: [{ ...keys.publicKey.export({ format: "jwk" }), kid: KID, alg: "RS256", use: "sig" }],
        });
      case "/authorize":
        return authorize(url.searchParams);
      case "/token":
        return token(request.headers, new URLSearchParams(await request.text()));
      case "/userinfo":
        return Response.json({ sub: provider.person.sub, ...provider.userinfo });
      default:
        return new Response(null, { status: 404 });
    }
  }

  function authorize(query: URLSearchParams): Response {
    const wanted = { client_id: provider.clientId, response_type: "code", code_challenge_method: "S256" };
    for (const [key, value] of Object.entries(wanted))
      if (query.get(key) !== value) return new Response(`${key} is ${query.get(key)}`, { status: 400 });
    const code = randomBytes(16).toString("base64url");
    const redirectUri = query.get("redirect_uri") ?? "";
    grants.set(code, {
      person: provider.person,
      nonce: query.get("nonce") ?? "",
      challenge: query.get("code_challenge") ?? "",
      redirectUri,
    });
    const back = new URL(redirectUri);
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    back.searchParams.set("iss", provider.misbehave.answerIss ?? issuer);
    return new Response(null, { status: 302, headers: { location: back.href } });
  }

  function token(headers: Headers, body: URLSearchParams): Response {
    const code = body.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    provider.exchanged.push(code);
    const basic = Buffer.from((headers.get("authorization") ?? "").slice("Basic ".length), "base64");
    // Each half is written as a form writes it.
    const [id, secret] = basic
      .toString()
      .split(":")
      .map((half) => new URLSearchParams(`v=${half}`).get("v"));
    if (id !== provider.clientId || secret !== provider.clientSecret)
      return Response.json({ error: "invalid_client" }, { status: 401 });
    const challenge = createHash("sha256")
      .update(body.get("code_verifier") ?? "")
      .digest("base64url");
    const right =
      grant !== undefined && grant.challenge === challenge && grant.redirectUri === body.get("redirect_uri");
    if (!right) return Response.json({ error: "invalid_grant" }, { status: 400 });
    return Response.json({
      access_token: randomBytes(16).toString("base64url"),
      token_type: "Bearer",
      expires_in: 60,
      ...(provider.misbehave.noIdToken ? {} : { id_token: idToken(grant) }),
    });
  }

  function idToken({ person, nonce }: Grant): string {
    const { alg = "RS256", claims, foreignKey, tampered } = provider.misbehave;
    const nowS = Math.floor(Date.now() / 1_000);
    const payload = {
      iss: issuer,
      aud: provider.clientId,
      iat: nowS,
      exp: nowS + 60,
      nonce,
      ...person,
      ...claims,
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg, typ: "JWT", kid: KID })}.${part(payload)}`;
    if (alg === "none") return `${signed}.`;
    if (alg === "HS256")
      return `${signed}.${createHmac("sha256", provider.clientSecret).update(signed).digest("base64url")}`;
    const key = (foreignKey ? foreign : keys).privateKey;
    const signature = createSign("RSA-SHA256").update(signed).sign(key, "base64url");
    return tampered
      ? `${part({ alg, typ: "JWT", kid: KID })}.${part({ ...payload, sub: "somebody-else" })}.${signature}`
      : `${signed}.${signature}`;
  }
}
