import type { Pictures } from './state/prefs.svelte';

/** Whether a picture may be asked for: own and embedded ones always, those of other servers where that was allowed. */
export function mayShow(src: string, allowed: Pictures, origin: string): boolean {
  if (src.startsWith('data:image/')) return true;
  try {
    const url = new URL(src, origin);
    if (url.origin === origin) return true;
    return allowed === 'all' && url.protocol === 'https:';
  } catch {
    return false;
  }
}

/** The foreign host of a picture; `null` for own ones. */
export function foreignHost(src: string | null, origin: string): string | null {
  if (!src || src.startsWith('data:')) return null;
  try {
    const url = new URL(src, origin);
    return url.origin === origin ? null : url.host;
  } catch {
    return null;
  }
}
