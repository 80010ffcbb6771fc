/** The formats of `format.ts` in the language and the time zone that are chosen. */
import { i18n } from './i18n/index.svelte';
import * as f from './format';
import { prefs } from './state/prefs.svelte';
import { clock } from './state/clock.svelte';
import type { Decimal } from './api/types';

type Numeric = number | string | null | undefined;

export const zone = (): string | undefined => (prefs.zone === 'jst' ? 'Asia/Tokyo' : undefined);

export const num = (value: Numeric, places = 0): string => f.number(value, i18n.tag, places);
export const compact = (value: Numeric): string => f.compact(value, i18n.tag);
export const ratio = (value: Numeric): string => f.ratio(value, i18n.tag);
export const percent = (value: Numeric, places = 0): string => f.percent(value, i18n.tag, places);
export const change = (value: Numeric): string => f.change(value, i18n.tag);
export const yen = (value: Numeric): string => f.yen(value, i18n.tag);
export const amount = (value: Decimal | number | null | undefined, unit: string | null | undefined, short = false): string =>
  f.amount(value, unit, i18n.tag, short);
export const time = (value: string | null | undefined): string => f.time(value, i18n.tag, zone(), clock.now);
export const clockTime = (value: string | number): string => f.clockTime(value, i18n.tag, zone());
export const fullTime = (value: string | null | undefined): string => f.fullTime(value, i18n.tag, zone());
export const day = (value: string | null | undefined, weekday = false): string => f.day(value, i18n.tag, weekday);
export const ago = (value: string | number | null | undefined): string => f.ago(value, clock.now, i18n.tag);
/** How long ago something happened in this page, by this machine's clock. */
export const since = (at: number | null | undefined): string => f.ago(at === null || at === undefined ? null : Math.min(at, clock.local), clock.local, i18n.tag);
export const span = (seconds: number | null | undefined): string => f.span(seconds, i18n.tag);

/** An IP's name in the person's language, and its Japanese name where that is another. */
export function ipName(ip: { name: string; name_en: string; name_cn: string }): { main: string; also: string | null } {
  const own = i18n.lang === 'en' ? ip.name_en : i18n.lang === 'zh' ? ip.name_cn : '';
  const main = own || ip.name;
  return { main, also: main === ip.name ? null : ip.name };
}

export const rankedName = (row: { ip_name: string; ip_name_en: string; ip_name_cn: string }) =>
  ipName({ name: row.ip_name, name_en: row.ip_name_en, name_cn: row.ip_name_cn });
