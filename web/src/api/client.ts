import type { AnswerOf, BodyOf, DataOf, PathOf, QueryOf, RowOf } from './routes';
import type { Page } from './types';

/** What the server said, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds after which another try makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  /** Sent as it stands, with this content type. */
  text?: { content: string | Blob; type: string };
  signal?: AbortSignal;
}

let csrf: string | null = null;
let onUnauthorized: () => void = () => {};

/** The token that writes carry, from the session. */
export function useCsrf(token: string | null): void {
  csrf = token;
}

/** Called when the server does not know the session (any more). */
export function whenUnauthorized(call: () => void): void {
  onUnauthorized = call;
}

/** `?a=1&b=2` of what is given; empty values are left out. */
export function queryString(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

async function send(method: string, path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  let body: BodyInit | undefined;
  if (options.text) {
    headers['content-type'] = options.text.type;
    body = options.text.content;
  } else if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  if (method !== 'GET' && csrf) headers['x-csrf-token'] = csrf;
  try {
    return await fetch(path + queryString(options.query), {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: 'same-origin',
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError(0, '');
  }
}

async function refusal(response: Response): Promise<ApiError> {
  let message = response.statusText;
  try {
    const body = (await response.json()) as { message?: string };
    if (body.message) message = body.message;
  } catch {
    // Not JSON: a proxy in between has answered.
  }
  const after = Number(response.headers.get('retry-after'));
  return new ApiError(response.status, message, Number.isFinite(after) && after > 0 ? after : null);
}

async function answer<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  if (!response.ok) {
    const error = await refusal(response);
    if (error.status === 401 && !path.startsWith('/api/login')) onUnauthorized();
    throw error;
  }
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(response.status, 'the answer is not JSON');
  }
}

const one = async <T>(method: string, path: string, options?: Options): Promise<T> =>
  (await answer<{ data: T }>(method, path, options)).data;

export const get = <const P extends PathOf<'get'>>(path: P, query?: QueryOf<'get', P>, signal?: AbortSignal): Promise<DataOf<'get', P>> =>
  one('GET', path, { query: query as Query, signal });
export const page = <const P extends PathOf<'get'>>(path: P, query?: QueryOf<'get', P>, signal?: AbortSignal): Promise<Page<RowOf<P>>> =>
  answer('GET', path, { query: query as Query, signal });
/** The answer as it stands, without an envelope taken off. */
export const raw = <const P extends PathOf<'get'>>(path: P, signal?: AbortSignal): Promise<AnswerOf<'get', P>> =>
  answer('GET', path, { signal });
export const post = <const P extends PathOf<'post'>>(path: P, body?: BodyOf<'post', P>): Promise<DataOf<'post', P>> =>
  one('POST', path, { body: body ?? {} });
export const put = <const P extends PathOf<'put'>>(path: P, body: BodyOf<'put', P>): Promise<DataOf<'put', P>> =>
  one('PUT', path, { body });
export const remove = <const P extends PathOf<'delete'>>(path: P): Promise<DataOf<'delete', P>> => one('DELETE', path);
export const upload = <const P extends PathOf<'post'>>(path: P, text: { content: string | Blob; type: string }, query?: QueryOf<'post', P>): Promise<DataOf<'post', P>> =>
  one('POST', path, { text, query: query as Query });

/** Posts and hands the answer to the browser as a file. */
export async function download<const P extends PathOf<'post'>>(path: P, body: BodyOf<'post', P>, name: string): Promise<void> {
  const response = await send('POST', path, { body });
  if (!response.ok) throw await refusal(response);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
