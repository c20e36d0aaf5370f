/** An answer of the API, its body parsed. */
export interface Reply<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

/** A caller of the API over real HTTP, with a cookie jar as a browser has one, or with a bearer token. */
export class TestClient {
  private readonly cookies = new Map<string, string>();
  /** Set-Cookie lines of every answer, in order. */
  readonly setCookies: string[] = [];

  constructor(
    readonly baseUrl: string,
    private readonly token?: string,
  ) {}

  get<T>(path: string, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.send("GET", path, undefined, headers);
  }
  post<T>(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.send("POST", path, body, headers);
  }
  patch<T>(path: string, body: unknown): Promise<Reply<T>> {
    return this.send("PATCH", path, body);
  }
  delete<T>(path: string): Promise<Reply<T>> {
    return this.send("DELETE", path, {});
  }

  /** @param headers replace what a browser on our own page sends; an empty value leaves a header out */
  async send<T>(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<T>> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: this.headers(headers),
      redirect: "manual",
      ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    this.keepCookies(response.headers.getSetCookie());
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) as T, text };
  }

  /** What a request of this caller carries. @param more as in `send` */
  headers(more: Record<string, string> = {}): Record<string, string> {
    const all: Record<string, string> = {
      origin: this.baseUrl,
      "content-type": "application/json",
      ...more,
    };
    if (this.token !== undefined) all.authorization = `Bearer ${this.token}`;
    if (this.cookies.size > 0) all.cookie = this.cookieHeader();
    for (const [name, value] of Object.entries(all)) if (value === "") delete all[name];
    return all;
  }

  cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** Takes over another caller's cookies, as a thief would. */
  steal(cookieHeader: string): this {
    for (const pair of cookieHeader.split("; ")) {
      const at = pair.indexOf("=");
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return this;
  }

  private keepCookies(lines: string[]): void {
    for (const line of lines) {
      this.setCookies.push(line);
      const [pair = "", ...attributes] = line.split("; ");
      const at = pair.indexOf("=");
      const gone = attributes.some((attribute) => /^max-age=0$/i.test(attribute));
      if (gone) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
