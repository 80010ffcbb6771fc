/** Real paths in the address bar; the server answers index.html for all of them. */

export interface Route {
  name: string;
  params: Record<string, string>;
}

const PATTERNS: [string, string][] = [
  ['overview', '/'],
  ['ip', '/ip/:id'],
  ['accounts', '/accounts'],
  ['account', '/accounts/:id'],
  ['keys', '/keys'],
  ['reminders', '/reminders'],
  ['alerts', '/alerts'],
  ['alerts', '/alerts/:id'],
  ['channels', '/channels'],
  ['channels', '/channels/:id'],
  ['system', '/system'],
  ['settings', '/settings'],
  ['apiDocs', '/api-docs'],
  ['login', '/login'],
];

/** The route of a path; `missing` when there is none. */
export function match(path: string): Route {
  const parts = path.replace(/\/+$/, '').split('/');
  for (const [name, pattern] of PATTERNS) {
    const wanted = pattern.replace(/\/+$/, '').split('/');
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((word, i) => {
      const part = parts[i] ?? '';
      if (!word.startsWith(':')) return word === part;
      params[word.slice(1)] = decode(part);
      return part !== '';
    });
    if (fits) return { name, params };
  }
  return { name: 'missing', params: {} };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

class Router {
  path = $state('/');
  search = $state('');
  route = $derived(match(this.path));
  query = $derived(new URLSearchParams(this.search));

  start(): void {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(to: string, options: { replace?: boolean } = {}): void {
    if (options.replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    const before = this.path;
    this.#read();
    if (this.path !== before) scrollTo(0, 0);
  }

  /** Changes words of the query in place; empty ones go. */
  set(words: Record<string, string | null | undefined>): void {
    const query = new URLSearchParams(this.search);
    for (const [name, value] of Object.entries(words)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    if (text !== this.search.replace(/^\?/, '')) this.go(this.path + (text ? `?${text}` : ''), { replace: true });
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.hasAttribute('download') || link.getAttribute('target') === '_blank') return;
    const href = link.getAttribute('href');
    if (!href || !href.startsWith('/') || href.startsWith('//') || /^\/api(\/|$)/.test(href)) return;
    event.preventDefault();
    this.go(href);
  }
}

export const router = new Router();
