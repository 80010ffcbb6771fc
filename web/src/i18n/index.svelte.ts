import { prefs, type Lang } from '../state/prefs.svelte';
import en, { type Catalogue, type Key } from './en';

/** The names in braces of a message. */
type Names<S> = S extends `${string}{${infer N}}${infer Rest}` ? N | Names<Rest> : never;
type Text<K extends Key> = (typeof en)[K] extends string
  ? (typeof en)[K]
  : (typeof en)[K] extends { other: infer O }
    ? O
    : never;
/** What `key` must be given; `n` always where it chooses the plural. */
type Needed<K extends Key> = Names<Text<K>> | ((typeof en)[K] extends string ? never : 'n');
type Values<K extends Key> = { [N in Needed<K>]: string | number };
type Args<K extends Key> = [Needed<K>] extends [never] ? [] : [values: Values<K>];

const LOADERS: Record<Exclude<Lang, 'en'>, () => Promise<{ default: Catalogue }>> = {
  zh: () => import('./zh'),
  ja: () => import('./ja'),
};
const TAGS: Record<Lang, string> = { en: 'en', zh: 'zh-CN', ja: 'ja' };
export const LANGUAGES: [Lang, string][] = [
  ['en', 'English'],
  ['zh', '中文'],
  ['ja', '日本語'],
];

class I18n {
  lang = $state<Lang>('en');
  #messages = $state.raw<Catalogue>(en);

  /** The BCP 47 tag that numbers and dates are written by. */
  get tag(): string {
    return TAGS[this.lang];
  }

  async use(lang: Lang): Promise<void> {
    const messages = lang === 'en' ? en : (await LOADERS[lang]()).default;
    this.#messages = messages;
    this.lang = lang;
    document.documentElement.lang = this.tag;
  }

  async choose(lang: Lang): Promise<void> {
    prefs.keepLang(lang);
    await this.use(lang);
  }

  /** A message by a key that is only known at run time; `otherwise` when there is none. */
  maybe(key: string, otherwise: string): string {
    const message = (this.#messages as Record<string, unknown>)[key];
    return typeof message === 'string' ? message : otherwise;
  }

  text(key: Key, values: Record<string, string | number>): string {
    const message = this.#messages[key] as string | { one: string; other: string };
    return fill(message, values, this.tag);
  }
}

/** Puts values into a message. `n` chooses between one and other, and numbers are written as the language does. */
export function fill(
  message: string | { one: string; other: string },
  values: Record<string, string | number>,
  tag: string,
): string {
  let text = message;
  if (typeof text !== 'string') {
    const one = new Intl.PluralRules(tag).select(Number(values.n)) === 'one';
    text = one ? text.one : text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(tag).format(value) : value;
  });
}

export const i18n = new I18n();

/** The words of `key` in the language that is chosen. */
export function t<K extends Key>(key: K, ...args: Args<K>): string {
  return i18n.text(key, (args[0] ?? {}) as Record<string, string | number>);
}
