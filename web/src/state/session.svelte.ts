import { get, post, useCsrf, whenUnauthorized } from '../api/client';
import type { Feature, Role, Session } from '../api/types';
import { router } from './router.svelte';

const RANK: Record<Role, number> = { anonymous: 0, viewer: 1, operator: 2, admin: 3 };

const NOBODY: Session = { role: 'anonymous', name: null, csrf: null, expires_at: null, public: [], demo: false, version: '', features: { market: true, accounts: true, keys: true, reminders: true } };

class SessionState {
  current = $state.raw<Session>(NOBODY);
  known = $state(false);
  failed = $state(false);

  role = $derived(this.current.role);
  signedIn = $derived(this.current.role !== 'anonymous');
  canWrite = $derived(RANK[this.current.role] >= RANK.operator);
  isAdmin = $derived(this.current.role === 'admin');

  constructor() {
    whenUnauthorized(() => this.#expired());
  }

  has(feature: Feature): boolean {
    return this.current.features?.[feature] !== false;
  }

  /** Whether a page of this feature may be looked at. */
  mayRead(feature: Feature | 'private'): boolean {
    if (this.signedIn) return feature === 'private' || this.has(feature);
    return feature !== 'private' && (this.current.public?.includes(feature) ?? false);
  }

  async load(): Promise<void> {
    try {
      this.#take(await get('/api/session'));
      this.failed = false;
    } catch {
      this.failed = true;
    } finally {
      this.known = true;
    }
  }

  async logIn(credential: { username?: string; password: string } | { api_key: string }): Promise<void> {
    await post('/api/login', credential);
    await this.load();
  }

  async logOut(): Promise<void> {
    await post('/api/logout').catch(() => {});
    await this.load();
    router.go(this.mayRead('market') ? '/' : '/login');
  }

  #take(session: Session): void {
    this.current = session;
    useCsrf(session.csrf);
  }

  #expired(): void {
    if (!this.signedIn) return;
    this.#take({ ...this.current, role: 'anonymous', csrf: null });
    const next = router.path + router.search;
    router.go(`/login?expired=1&next=${encodeURIComponent(next)}`);
  }
}

export const session = new SessionState();
