/** One request to the server, and what can go wrong with it. Paths are relative to the page. */

/** A request that failed, with the words of the server where it gave any. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
    /** All that the problem said, for those codes that carry more than words. */
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = "ApiError";
  }

  /** Whether trying the same again later may help: no answer, a busy store, a server that stumbled. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type Fetcher = (url: string, init?: RequestInit) => Promise<Response>;
export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** Make the function that asks; `who` is the name that edits are signed with, "" for none. */
export function createAsk(root: string, fetcher: Fetcher, who: () => string = () => ""): Ask {
  return async (path, init = {}) => {
    const headers = new Headers(init.headers);
    const name = who();
    if (name !== "" && init.method !== undefined) headers.set("X-Wangge-Who", encodeURIComponent(name));
    let response: Response;
    try {
      response = await fetcher(new URL(path, root).href, { ...init, headers });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError("no-connection", 0, "");
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  };
}

/** Method, headers and body of a request that sends JSON. */
export function sending(method: string, body?: unknown, headers: Record<string, string> = {}): RequestInit {
  if (body === undefined) return { method, headers };
  return { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { code?: string; detail?: string; title?: string };
    return new ApiError(body.code ?? "unknown", response.status, body.detail ?? body.title ?? "", { ...body });
  } catch {
    return new ApiError("unknown", response.status, "");
  }
}
