// A stand-in for the API, for looking at pages: `npm run mock`, then `npm run dev` or open it after a build.
// Ways to see other states: ?mock=empty, ?mock=error, ?mock=slow on the page's address (kept in a cookie; ?mock=off ends it).
// Passwords: viewer, operator, admin. PORT and KEYS may be set.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as d from './data.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const PORT = Number(process.env.PORT ?? 8080);
const keys = d.makeKeys(Number(process.env.KEYS ?? 10_000));
let nextKey = keys.length + 1;
const sessions = new Map();
const listeners = new Set();
const refreshes = new Map();
const CSP = "default-src 'none'; img-src https: data: 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
const missing = (what) => new Refused(404, `${what} not found`);

const cookies = (req) => Object.fromEntries((req.headers.cookie ?? '').split(';').map((c) => c.trim().split('=')).filter((c) => c[0]));
const roleOf = (req) => sessions.get(cookies(req).session) ?? 'anonymous';

async function body(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (!(req.headers['content-type'] ?? '').includes('json')) return text;
  return text ? JSON.parse(text) : {};
}

export function tell(name, data) {
  for (const res of listeners) res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

const paged = (list, q, most = 100) => {
  const size = Math.min(most, Number(q.get('page_size') ?? 20));
  const page = Number(q.get('page') ?? 1);
  return { code: 0, data: list.slice((page - 1) * size, page * size), total: list.length, page, page_size: size };
};
const has = (text, word) => String(text).toLowerCase().includes(word.toLowerCase());

function matching(f) {
  const within = (v, low, high) => (low == null || low === '' || (v !== null && Number(v) >= Number(low))) && (high == null || high === '' || (v !== null && Number(v) <= Number(high)));
  return keys.filter(({ json: k }) => (!f.q || has(k.name, f.q) || has(k.mask, f.q)) && (!f.tag || k.tags.includes(f.tag)) && (!f.provider || k.provider === f.provider) && (!f.org || k.org === f.org) && (!f.status || (f.status === 'failed' ? !['ok', 'new'].includes(k.status) : k.status === f.status)) && within(k.remaining, f.remaining_min, f.remaining_max) && within(k.used_ratio, f.ratio_min, f.ratio_max));
}
const chosen = (b) => (b.all ? [...keys] : b.ids ? keys.filter((k) => b.ids.includes(k.json.id)) : matching(b.filter ?? {}));

function sorted(list, sort, order) {
  const sign = order === 'desc' ? -1 : 1;
  const numeric = ['id', 'remaining', 'total', 'used_ratio'].includes(sort);
  return list.sort((a, b) => {
    const [x, y] = [a.json[sort], b.json[sort]];
    if (x === null || y === null) return (x === null) - (y === null) || a.json.id - b.json.id;
    return sign * (numeric ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0) || a.json.id - b.json.id;
  });
}

function keysSummary(list) {
  const by_status = {};
  const orgs = new Map();
  let unknown = 0;
  for (const { json: k } of list) {
    by_status[k.status] = (by_status[k.status] ?? 0) + 1;
    if (k.total === null) unknown++;
    else if (!orgs.has(k.org)) orgs.set(k.org, k);
  }
  const sum = (f) => String([...orgs.values()].reduce((s, k) => s + Number(k[f]), 0));
  const times = list.map((k) => k.json.checked_at).filter(Boolean).sort();
  return { count: list.length, by_status, orgs: orgs.size, totals: orgs.size ? [{ unit: 'tokens', remaining: sum('remaining'), total: sum('total'), used: sum('used'), accounts: orgs.size }] : [], unknown, checked_oldest: times[0] ?? null, checked_newest: times.at(-1) ?? null };
}

function startRefresh(kind, list) {
  const r = { id: refreshes.size + 1, kind, total: list.length, done: 0, ok: 0, failed: 0, started_at: d.jst(Date.now()), finished_at: null };
  refreshes.set(r.id, r);
  const step = Math.max(1, Math.ceil(r.total / 12));
  const timer = setInterval(() => {
    const n = Math.min(step, r.total - r.done);
    r.done += n;
    r.failed = Math.floor(r.done * 0.04);
    r.ok = r.done - r.failed;
    if (r.done >= r.total) {
      r.finished_at = d.jst(Date.now());
      clearInterval(timer);
    }
    tell('refresh', r);
  }, 250);
  return { ...r };
}

const json = (list) => list.map((x) => x.json);
const needIp = (id) => d.ips.find((ip) => ip.json.id === Number(id)) ?? (() => { throw missing(`IP ${id}`); })();
const needAccount = (id) => d.accounts.find((a) => a.json.id === Number(id)) ?? (() => { throw missing(`account ${id}`); })();
const alertOf = (id) => d.alerts.find((a) => a.id === Number(id)) ?? (() => { throw missing(`alert ${id}`); })();
const changed = (a) => tell('alert_changed', { id: a.id, status: a.status });

/** [method, pattern, least role, answer]; `:id` is a part of the path. */
const ROUTES = [
  ['GET', '/api/v1/leaderboard', 0, ({ q }) => d.leaderboard(q.get('type') ?? 'hot', Number(q.get('hours') ?? 24), Number(q.get('limit') ?? 10))],
  ['GET', '/api/v1/ips', 0, ({ q }) => paged(json(d.ips).filter((ip) => (q.get('status') ? ip.status === q.get('status') : ip.status !== 'deleted') && (!q.get('keyword') || [ip.name, ip.name_en, ip.name_cn].some((n) => has(n, q.get('keyword'))))), q)],
  ['POST', '/api/v1/ips', 2, ({ b }) => { const ip = { ...d.ips[0], heat: 0.1, json: { ...d.ips[0].json, ...b, id: d.ips.length + 1 } }; d.ips.push(ip); return ip.json; }],
  ['GET', '/api/v1/ips/:id', 0, ({ p }) => needIp(p.id).json],
  ['PUT', '/api/v1/ips/:id', 2, ({ p, b }) => Object.assign(needIp(p.id).json, b)],
  ['DELETE', '/api/v1/ips/:id', 2, ({ p }) => Object.assign(needIp(p.id).json, { status: 'deleted' })],
  ['POST', '/api/v1/ips/:id/trigger', 2, ({ p }) => { const ip = needIp(p.id); setTimeout(() => crawl(ip), 900); return { id: ip.json.id, triggered: true, next_due: d.jst(Date.now()) }; }],
  ['GET', '/api/v1/ips/:id/liquidity', 0, ({ p }) => { const ip = needIp(p.id); const at = Math.floor(Date.now() / 3600e3) * 3600e3 - 3600e3; const h = d.hourOf(ip, at); return { ip_id: ip.json.id, ip_name: ip.json.name, hour_bucket: h && d.jst(at), on_sale_inflow: h?.inflow ?? null, on_sale_outflow: h?.outflow ?? null, on_sale_total: ip.json.on_sale_total, sold_inflow: h?.outflow ?? null, sold_total: ip.json.sold_total, active_count: h?.active_count ?? null, liquidity_index: h?.liquidity_index ?? null, hot_score: h?.hot_score ?? null, saturated: h?.saturated ?? null, inflow_saturated: h?.inflow_saturated ?? null, outflow_saturated: h?.outflow_saturated ?? null, updated_at: ip.json.last_crawled_at, from_cache: false }; }],
  ['GET', '/api/v1/ips/:id/stats/hourly', 0, ({ p, q }) => stats(p.id, Number(q.get('limit') ?? 24), 1)],
  ['GET', '/api/v1/ips/:id/stats/daily', 0, ({ p, q }) => stats(p.id, Number(q.get('limit') ?? 30), 24)],
  ['GET', '/api/v1/ips/:id/stats/weekly', 0, ({ p, q }) => stats(p.id, Math.min(6, Number(q.get('limit') ?? 8)), 168)],
  ['GET', '/api/v1/ips/:id/stats/monthly', 0, ({ p }) => stats(p.id, 2, 720)],
  ['GET', '/api/v1/ips/:id/items', 0, ({ p, q }) => paged(d.items(needIp(p.id), q.get('status') ?? 'on_sale'), q)],
  ['POST', '/api/v1/admin/import', 2, ({ b }) => ({ created: b?.ips?.length ?? 2, updated: 1, skipped: 0, failed: 1, details: [{ name: 'x', status: 'failed', id: null, error: 'weight must be 0.1..10, got 11' }] })],
  ['GET', '/api/v1/accounts', 1, ({ q }) => paged(json(d.accounts).filter((a) => (!q.get('q') || has(a.name, q.get('q'))) && (!q.get('group') || a.group === q.get('group')) && (!q.get('provider') || a.provider === q.get('provider')) && (!q.get('status') || (q.get('status') === 'failed' ? !['ok', 'new'].includes(a.status) : a.status === q.get('status')))), q)],
  ['GET', '/api/v1/accounts/summary', 1, () => { const count = (f) => { const m = new Map(); for (const { json: a } of d.accounts) m.set(a[f], (m.get(a[f]) ?? 0) + 1); return [...m]; }; return { count: d.accounts.length, by_status: Object.fromEntries(count('status')), groups: count('group').map(([name, n]) => ({ name, title: name, count: n })), providers: count('provider').map(([name, n]) => ({ name, title: d.accounts.find((a) => a.json.provider === name).json.provider_title, count: n })) }; }],
  ['POST', '/api/v1/accounts', 2, ({ b }) => { const a = structuredClone(d.accounts[0]); Object.assign(a.json, b, { id: d.accounts.length + 1, provider_title: b.provider, status: 'new', alerts: [] }); delete a.json.secret; d.accounts.push(a); return a.json; }],
  ['POST', '/api/v1/accounts/test', 2, () => ({ status: 'ok', remaining: '42.50', unit: 'USD' })],
  ['POST', '/api/v1/accounts/refresh', 2, () => startRefresh('account', d.accounts)],
  ['GET', '/api/v1/accounts/:id', 1, ({ p }) => needAccount(p.id).json],
  ['PUT', '/api/v1/accounts/:id', 2, ({ p, b }) => { delete b.secret; return Object.assign(needAccount(p.id).json, b); }],
  ['DELETE', '/api/v1/accounts/:id', 2, ({ p }) => { const a = needAccount(p.id); d.accounts.splice(d.accounts.indexOf(a), 1); return { id: a.json.id, deleted: true }; }],
  ['GET', '/api/v1/accounts/:id/readings', 1, ({ p, q }) => d.readings(needAccount(p.id), Number(q.get('days') ?? 30))],
  ['POST', '/api/v1/accounts/:id/refresh', 2, ({ p }) => startRefresh('account', [needAccount(p.id)])],
  ['GET', '/api/v1/refreshes/:id', 1, ({ p }) => refreshes.get(Number(p.id)) ?? (() => { throw missing('refresh'); })()],
  ['GET', '/api/v1/providers', 1, () => d.providers],
  ['GET', '/api/v1/keys', 1, ({ q }) => { const page = paged(sorted(matching(Object.fromEntries(q)), q.get('sort') ?? 'id', q.get('order')), q, 1000); return { ...page, data: json(page.data) }; }],
  ['GET', '/api/v1/keys/summary', 1, ({ q }) => keysSummary(matching(Object.fromEntries(q)))],
  ['POST', '/api/v1/keys/import', 2, ({ b }) => importKeys(b)],
  ['POST', '/api/v1/keys/delete', 2, ({ b }) => { const gone = new Set(chosen(b)); for (let i = keys.length - 1; i >= 0; i--) if (gone.has(keys[i])) keys.splice(i, 1); return { deleted: gone.size }; }],
  ['POST', '/api/v1/keys/tag', 2, ({ b }) => { const list = chosen(b); for (const k of list) k.json.tags = [...new Set([...k.json.tags, ...b.add])].filter((t) => !b.remove.includes(t)); return { changed: list.length }; }],
  ['POST', '/api/v1/keys/refresh', 2, ({ b }) => startRefresh('key', chosen(b))],
  ['POST', '/api/v1/keys/export', 2, ({ b, res }) => { res.writeHead(200, { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="keys.csv"' }); res.end(chosen(b).map((k) => (b.secrets ? k.secret : k.json.mask)).join('\n')); }],
  ['POST', '/api/v1/keys/copy', 2, ({ b }) => { const list = chosen(b); return { text: list.map((k) => k.secret).join('\n'), count: list.length }; }],
  ['GET', '/api/v1/keys/:id/full', 2, ({ p }) => ({ id: Number(p.id), key: keys.find((k) => k.json.id === Number(p.id))?.secret })],
  ['DELETE', '/api/v1/keys/:id', 2, ({ p }) => { const i = keys.findIndex((k) => k.json.id === Number(p.id)); if (i < 0) throw missing('key'); keys.splice(i, 1); return { id: Number(p.id), deleted: true }; }],
  ['GET', '/api/v1/alerts', 1, ({ q }) => { const s = q.get('status') ?? 'open'; return paged(d.alerts.filter((a) => (s === 'all' || (s === 'open' ? a.status !== 'resolved' : a.status === s)) && (!q.get('severity') || a.severity === q.get('severity')) && (!q.get('kind') || a.kind === q.get('kind')) && (!q.get('ref_id') || a.ref_id === Number(q.get('ref_id'))) && (!q.get('q') || has(a.title, q.get('q')))), q); }],
  ['GET', '/api/v1/alerts/summary', 1, () => { const open = d.alerts.filter((a) => a.status !== 'resolved'); const by = (f) => open.reduce((m, a) => ({ ...m, [a[f]]: (m[a[f]] ?? 0) + 1 }), {}); return { open: open.length, pending: 0, unacknowledged: open.filter((a) => a.status === 'firing').length, by_severity: by('severity'), by_kind: by('kind'), by_status: by('status') }; }],
  ['GET', '/api/v1/alerts/:id', 1, ({ p }) => { const a = alertOf(p.id); return { ...a, why: { value: a.value, title: a.title, message: a.message, life: { status: a.status, failures: 3, successes: a.status === 'resolved' ? 2 : 0, opened_at: a.opened_at, told_at: a.told_at, snoozed_until: a.snoozed_until, resolved_at: a.resolved_at, lasting_seconds: Math.round((Date.now() - Date.parse(a.opened_at)) / 1000) } }, log: [{ id: 1, notice: 'fired', severity: a.severity, title: a.title, message: a.message, created_at: a.told_at, waiting: false, deliveries: d.deliveries.filter((x) => x.alert_id === a.id).slice(0, 3) }] }; }],
  ['POST', '/api/v1/alerts/:id/ack', 2, ({ p }) => { const a = Object.assign(alertOf(p.id), { acknowledged: true, acknowledged_at: d.jst(Date.now()), acknowledged_by: 'mio', status: 'acked' }); changed(a); return { id: a.id, acknowledged: true, acknowledged_at: a.acknowledged_at }; }],
  ['POST', '/api/v1/alerts/:id/snooze', 2, ({ p }) => { const a = Object.assign(alertOf(p.id), { status: 'snoozed', snoozed_until: d.jst(Date.now() + 3600e3) }); changed(a); return a; }],
  ['POST', '/api/v1/alerts/:id/resolve', 2, ({ p }) => { const a = Object.assign(alertOf(p.id), { status: 'resolved', resolved_at: d.jst(Date.now()) }); changed(a); return a; }],
  ['GET', '/api/v1/channels', 1, () => d.channels],
  ['GET', '/api/v1/channels/kinds', 1, () => d.kinds],
  ['POST', '/api/v1/channels', 2, ({ b }) => { const c = { ...d.channels[1], ...b, id: d.channels.length + 1, origin: 'ui' }; d.channels.push(c); return c; }],
  ['POST', '/api/v1/channels/test', 2, () => ({ delivered: true, verdict: 'delivered', why: null, retry_after_seconds: null, status: 200, said: 'ok', took_ms: 184 })],
  ['PUT', '/api/v1/channels/:id', 2, ({ p, b }) => Object.assign(d.channels.find((c) => c.id === Number(p.id)), b)],
  ['DELETE', '/api/v1/channels/:id', 2, ({ p }) => { d.channels.splice(d.channels.findIndex((c) => c.id === Number(p.id)), 1); return { id: Number(p.id), deleted: true }; }],
  ['POST', '/api/v1/channels/:id/test', 2, ({ p }) => (p.id === '3' ? { delivered: false, verdict: 'refused', why: 'errcode 310000: keywords not in content', retry_after_seconds: null, status: 200, said: '', took_ms: 96 } : { delivered: true, verdict: 'delivered', why: null, retry_after_seconds: null, status: 200, said: 'ok', took_ms: 184 })],
  ['GET', '/api/v1/deliveries', 1, ({ q }) => paged(d.deliveries.filter((x) => (!q.get('state') || x.state === q.get('state')) && (!q.get('channel_id') || x.channel_id === Number(q.get('channel_id')))), q)],
  ['POST', '/api/v1/deliveries/resend', 2, () => { let n = 0; for (const x of d.deliveries) if (x.state === 'dead') { x.state = 'waiting'; n++; } return { resent: n }; }],
  ['POST', '/api/v1/deliveries/:id/resend', 2, ({ p }) => Object.assign(d.deliveries.find((x) => x.id === Number(p.id)), { state: 'waiting' })],
  ['GET', '/api/v1/reminders/subscriptions', 1, () => ({ code: 0, data: d.subscriptions, total: d.subscriptions.length, page: 1, page_size: d.subscriptions.length })],
  ['POST', '/api/v1/reminders/subscriptions', 2, ({ b }) => { const s = { ...d.subscriptions[1], ...b, id: d.subscriptions.length + 1, renewal_day: Number(b.renewal_day) }; d.subscriptions.push(s); return s; }],
  ['PUT', '/api/v1/reminders/subscriptions/:id', 2, ({ p, b }) => Object.assign(d.subscriptions.find((s) => s.id === Number(p.id)), b, b.enabled === undefined ? {} : { status: b.enabled ? 'upcoming' : 'paused' })],
  ['DELETE', '/api/v1/reminders/subscriptions/:id', 2, ({ p }) => { d.subscriptions.splice(d.subscriptions.findIndex((s) => s.id === Number(p.id)), 1); return { id: Number(p.id), deleted: true }; }],
  ['POST', '/api/v1/reminders/subscriptions/:id/renewed', 2, ({ p }) => Object.assign(d.subscriptions.find((s) => s.id === Number(p.id)), { already_renewed: true, status: 'renewed' })],
  ['GET', '/api/v1/reminders/calendar', 1, ({ q }) => d.calendar(q.get('from'), q.get('to'))],
  ['GET', '/api/v1/reminders/mailboxes', 1, () => ({ code: 0, data: d.mailboxes, total: d.mailboxes.length, page: 1, page_size: 100 })],
  ['POST', '/api/v1/reminders/mailboxes', 2, ({ b }) => { const m = { ...d.mailboxes[0], ...b, id: d.mailboxes.length + 1 }; d.mailboxes.push(m); return m; }],
  ['PUT', '/api/v1/reminders/mailboxes/:id', 2, ({ p, b }) => Object.assign(d.mailboxes.find((m) => m.id === Number(p.id)), b)],
  ['DELETE', '/api/v1/reminders/mailboxes/:id', 2, ({ p }) => { d.mailboxes.splice(d.mailboxes.findIndex((m) => m.id === Number(p.id)), 1); return { id: Number(p.id), deleted: true }; }],
  ['GET', '/api/v1/reminders/mailboxes/:id/hits', 1, ({ p, q }) => paged(p.id === '1' ? d.hits : [], q)],
  ['POST', '/api/v1/reminders/mailboxes/:id/scan', 2, ({ p }) => ({ id: Number(p.id), triggered: true, next_scan_at: null })],
  ['GET', '/api/v1/system/status', 1, () => ({ ...health(), uptime_seconds: 5 * 86_400 + 7 * 3600, connections: { active: 1, idle: 3 }, schedule_depth: 4, outbox_depth: 3, listeners: listeners.size })],
  ['GET', '/api/v1/system/scheduler', 1, () => { const list = json(d.ips).filter((ip) => ip.next_due).sort((a, b) => (a.next_due < b.next_due ? -1 : 1)); return { time: d.jst(Date.now()), active: list.length, paused: 1, failing: 1, due: 2, last_crawled_at: d.jst(Date.now() - 4000), next_due: list[0]?.next_due ?? null, targets: list.map((ip, i) => ({ ip_id: ip.id, ip_name: ip.name, next_due: ip.next_due, interval_seconds: Math.round(7200 / ip.weight), running: i === 0, failures: ip.failures, failing: ip.failing, last_attempt_at: ip.last_crawled_at, last_success_at: ip.last_crawled_at, last_error: ip.last_error, last_error_class: ip.last_error_class })), count: list.length }; }],
  ['GET', '/api/v1/system/upstreams', 1, () => d.upstreams],
  ['GET', '/api/v1/system/audit', 3, ({ q }) => paged(d.audit.filter((e) => !q.get('q') || has(e.action + e.actor + e.subject, q.get('q'))), q)],
];

const health = () => ({ status: 'degraded', time: d.jst(Date.now()), version: '0.1.0', mode: 'demo', parts: { store: { ok: true, detail: 'sqlite answered in 0.2 ms' }, scheduler: { ok: true, detail: 'next due in 14 s' }, market: { ok: true, detail: '38 active, 1 paused, 1 failing; last crawl 4 s ago' }, 'upstream:mercari': { ok: true, detail: '2.84 requests/s' }, 'upstream:tencentcloudapi.com': { ok: false, detail: 'left alone until 14:20:11 after 3 failures' } } });

function stats(id, limit, hours) {
  const ip = needIp(id);
  const H = 3600e3;
  const end = Math.floor(Date.now() / H) * H;
  const rows = [];
  for (let i = 1; i <= limit && ip.json.tracking_since; i++) {
    if (hours === 1) {
      rows.push({ hour_bucket: d.jst(end - i * H), ...d.hourOf(ip, end - i * H) });
      continue;
    }
    const all = Array.from({ length: hours }, (_, h) => d.hourOf(ip, end - ((i - 1) * hours + h + 1) * H));
    const sum = (f) => all.reduce((s, h) => s + h[f], 0);
    const low = all.reduce((a, h) => (h.min_price !== null && (a === null || h.min_price < a.min_price) ? h : a), null);
    const high = all.reduce((a, h) => (h.max_price !== null && (a === null || h.max_price > a.max_price) ? h : a), null);
    const [inflow, outflow] = [sum('inflow'), sum('outflow')];
    rows.push({ starts_at: d.jst(end - i * hours * H), ends_at: d.jst(end - (i - 1) * hours * H), hours, complete: true, ...all[0], inflow, outflow, liquidity_index: inflow ? outflow / inflow : null, min_price: low?.min_price ?? null, max_price: high?.max_price ?? null, min_price_item: low?.min_price_item ?? null, max_price_item: high?.max_price_item ?? null, saturated: false });
  }
  return { ip_id: ip.json.id, ip_name: ip.json.name, stats: rows, count: rows.length };
}

function importKeys(given) {
  const lines = typeof given === 'string' ? given.split('\n') : (given.keys ?? []).map((k) => (typeof k === 'string' ? k : k.key));
  const known = new Set(keys.map((k) => k.secret));
  const out = { success: 0, failed: 0, duplicates: 0, total: 0, errors: [] };
  for (const [i, raw] of lines.entries()) {
    const line = raw.trim();
    if (!line || line.startsWith('#')) continue;
    const [name, key] = line.includes(',') ? line.split(',').map((s) => s.trim()) : ['', line];
    if (key.toLowerCase() === 'key') continue;
    out.total++;
    if (!key.startsWith('fk-') || key.length < 10) {
      out.failed++;
      if (out.errors.length < 100) out.errors.push({ line: i + 1, error: 'not a key: it begins with fk- and has at least 10 characters' });
    } else if (known.has(key)) out.duplicates++;
    else {
      known.add(key);
      keys.push(d.makeKey(nextKey++, name, key));
      out.success++;
    }
  }
  return out;
}

function crawl(ip) {
  const h = d.hourOf(ip, Date.now());
  if (!h) return;
  ip.json.last_crawled_at = d.jst(Date.now());
  tell('crawl', { ip_id: ip.json.id, ip_name: ip.json.name, inflow: Math.round(h.inflow / 3), outflow: Math.round(h.outflow / 3), pages: 3, saturated: h.saturated, first: false, covered_until: ip.json.covered_until });
}
let turn = 0;
setInterval(() => crawl(d.ips[(turn += 7) % 35]), 2500).unref();

const EMPTY = { code: 0, data: [], total: 0, page: 1, page_size: 20 };
/** The answer where nothing is there yet. */
function emptied(path) {
  if (path === '/api/v1/leaderboard') return { ...d.leaderboard('hot', 24, 1), items: [], count: 0 };
  if (path.endsWith('/summary')) return path.includes('alerts') ? { open: 0, pending: 0, unacknowledged: 0, by_severity: {}, by_kind: {}, by_status: {} } : { count: 0, by_status: {}, groups: [], providers: [], orgs: 0, totals: [], unknown: 0, checked_oldest: null, checked_newest: null };
  if (/\/stats\//.test(path)) return { ip_id: 1, ip_name: '', stats: [], count: 0 };
  if (path.endsWith('/calendar')) return { from: '', to: '', totals: {}, renewals: [] };
  if (/(\/ips|\/items|\/accounts|\/keys|\/alerts|\/subscriptions|\/mailboxes|\/deliveries|\/audit)$/.test(path)) return EMPTY;
  if (/(\/channels|\/upstreams)$/.test(path)) return [];
  return null;
}

const RANK = { anonymous: 0, viewer: 1, operator: 2, admin: 3 };
const send = (res, status, value, headers = {}) => {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  res.end(JSON.stringify(value));
};

async function api(req, res, url) {
  const path = url.pathname;
  const mode = cookies(req).mock;
  if (path === '/health') return send(res, 200, health());
  if (path === '/api/session') {
    const role = roleOf(req);
    return send(res, 200, { code: 0, data: { role, username: role === 'anonymous' ? null : 'mio', csrf: role === 'anonymous' ? null : 'token', public: ['market'], demo: mode !== 'plain', version: '0.1.0', features: { market: true, accounts: true, keys: true, reminders: true } } });
  }
  if (path === '/api/login') {
    const b = await body(req);
    const role = b.api_key ? 'admin' : b.password;
    if (b.password === 'slow') return send(res, 429, { code: 429, message: 'too many requests; try again in 12 s' }, { 'retry-after': '12' });
    if (!(role in RANK) || role === 'anonymous') return send(res, 401, { code: 401, message: 'wrong password' });
    const id = Math.random().toString(36).slice(2);
    sessions.set(id, role);
    return send(res, 200, { code: 0, data: { role, csrf: 'token' } }, { 'set-cookie': `session=${id}; Path=/; HttpOnly; SameSite=Lax` });
  }
  if (path === '/api/logout') {
    sessions.delete(cookies(req).session);
    return send(res, 200, { code: 0, data: {} });
  }
  if (path === '/api/v1/events') {
    if (mode === 'offline') return send(res, 503, { code: 503, message: 'no' });
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    res.write('retry: 5000\n: tidewatch\n\n');
    listeners.add(res);
    req.on('close', () => listeners.delete(res));
    return;
  }
  if (mode === 'error') return send(res, 500, { code: 500, message: 'internal error' });
  if (mode === 'slow') await new Promise((r) => setTimeout(r, 60_000).unref());
  for (const [method, pattern, rank, run] of ROUTES) {
    if (method !== req.method) continue;
    const wanted = pattern.split('/');
    const parts = path.split('/');
    if (wanted.length !== parts.length || !wanted.every((w, i) => w.startsWith(':') || w === parts[i])) continue;
    if (RANK[roleOf(req)] < rank) return send(res, roleOf(req) === 'anonymous' ? 401 : 403, { code: 403, message: 'not for this role' });
    if (method !== 'GET' && req.headers['x-csrf-token'] !== 'token') return send(res, 403, { code: 403, message: 'csrf' });
    const empty = mode === 'empty' && method === 'GET' ? emptied(path) : null;
    if (empty) return send(res, 200, 'code' in empty ? empty : { code: 0, data: empty });
    const p = Object.fromEntries(wanted.map((w, i) => [w.slice(1), decodeURIComponent(parts[i])]));
    const answer = await run({ q: url.searchParams, p, b: method === 'GET' ? null : await body(req), res });
    if (res.headersSent) return;
    return send(res, method === 'POST' && pattern.split('/').length === 4 ? 201 : 200, answer && 'total' in answer && 'page' in answer ? answer : { code: 0, data: answer });
  }
  throw missing('path');
}

async function file(req, res, url) {
  const shot = /^\/mock\/picture\/(\d+)\.svg$/.exec(url.pathname);
  if (shot) {
    res.writeHead(200, { 'content-type': 'image/svg+xml' });
    return res.end(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 60"><rect width="60" height="60" fill="hsl(${shot[1]} 45% 72%)"/><circle cx="30" cy="25" r="12" fill="hsl(${shot[1]} 50% 88%)"/><rect x="14" y="40" width="32" height="20" rx="9" fill="hsl(${shot[1]} 50% 88%)"/></svg>`);
  }
  const asked = url.searchParams.get('mock');
  const headers = { 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' };
  if (asked) headers['set-cookie'] = `mock=${asked}; Path=/`;
  const name = normalize(url.pathname).replace(/^([.]{2}[/\\])+/, '');
  for (const path of [extname(name) ? join(DIST, name) : '', join(DIST, 'index.html')].filter(Boolean)) {
    try {
      const content = await readFile(path);
      res.writeHead(200, { ...headers, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      return res.end(content);
    } catch {
      if (extname(name)) break;
    }
  }
  res.writeHead(404, headers);
  res.end('not found: build first');
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, 'http://x');
  try {
    if (url.pathname.startsWith('/api/') || url.pathname === '/health') await api(req, res, url);
    else await file(req, res, url);
  } catch (e) {
    if (!(e instanceof Refused)) console.error(e);
    if (!res.headersSent) send(res, e.status ?? 500, { code: e.status ?? 500, message: e.message });
  }
});
server.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
