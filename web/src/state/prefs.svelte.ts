/** What a person has chosen for this browser. */

export type Theme = 'system' | 'light' | 'dark';
export type Lang = 'en' | 'zh' | 'ja';
export type Zone = 'local' | 'jst';
export type Pictures = 'own' | 'all';

function stored<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(`tidewatch.${name}`) as T | null;
    return value && allowed.includes(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`tidewatch.${name}`, value);
  } catch {
    // Storage is closed to us: the choice holds until the page is left.
  }
}

/** The first of the person's languages that there is a catalogue for. */
export function preferred(languages: readonly string[]): Lang {
  for (const language of languages) {
    const short = language.slice(0, 2).toLowerCase();
    if (short === 'en' || short === 'zh' || short === 'ja') return short;
  }
  return 'en';
}

class Prefs {
  #theme = $state<Theme>(stored('theme', ['system', 'light', 'dark'], 'system'));
  #zone = $state<Zone>(stored('zone', ['local', 'jst'], 'local'));
  #pictures = $state<Pictures>(stored('pictures', ['own', 'all'], 'own'));
  #systemDark = $state(false);

  dark = $derived(this.#theme === 'dark' || (this.#theme === 'system' && this.#systemDark));

  get theme(): Theme {
    return this.#theme;
  }
  set theme(theme: Theme) {
    this.#theme = theme;
    store('theme', theme);
  }
  get zone(): Zone {
    return this.#zone;
  }
  set zone(zone: Zone) {
    this.#zone = zone;
    store('zone', zone);
  }
  get pictures(): Pictures {
    return this.#pictures;
  }
  set pictures(pictures: Pictures) {
    this.#pictures = pictures;
    store('pictures', pictures);
  }

  firstLang(): Lang {
    return stored('lang', ['en', 'zh', 'ja'], preferred(navigator.languages ?? [navigator.language]));
  }
  keepLang(lang: Lang): void {
    store('lang', lang);
  }

  start(): void {
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }
}

export const prefs = new Prefs();
