// Made-up data for looking at the pages: the same at every start, and moving with the clock.

/** A small seeded generator (mulberry32). */
export function dice(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const now = () => Date.now();
export const jst = (ms) => new Date(ms + 9 * HOUR).toISOString().replace('Z', '+09:00');
const hourStart = (ms) => Math.floor(ms / HOUR) * HOUR;

const NAMES = [
  ['初音ミク', 'Hatsune Miku', '初音未来', 'vocaloid'], ['鬼滅の刃', 'Demon Slayer', '鬼灭之刃', 'anime'], ['呪術廻戦', 'Jujutsu Kaisen', '咒术回战', 'anime'],
  ['ちいかわ', 'Chiikawa', '吉伊卡哇', 'character'], ['ポケモン', 'Pokémon', '宝可梦', 'game'], ['ウマ娘 プリティーダービー', 'Umamusume', '赛马娘', 'game'],
  ['原神', 'Genshin Impact', '原神', 'game'], ['ホロライブ', 'hololive', 'hololive', 'vtuber'], ['にじさんじ', 'NIJISANJI', '彩虹社', 'vtuber'],
  ['葬送のフリーレン', 'Frieren', '葬送的芙莉莲', 'anime'], ['推しの子', 'Oshi no Ko', '我推的孩子', 'anime'], ['ブルーアーカイブ', 'Blue Archive', '蔚蓝档案', 'game'],
  ['ワンピース', 'One Piece', '海贼王', 'anime'], ['名探偵コナン', 'Detective Conan', '名侦探柯南', 'anime'], ['ハイキュー!!', 'Haikyu!!', '排球少年', 'anime'],
  ['プロジェクトセカイ', 'Project SEKAI', '世界计划', 'game'], ['あんさんぶるスターズ!!', 'Ensemble Stars!!', '偶像梦幻祭', 'game'], ['ラブライブ!', 'Love Live!', 'Love Live!', 'anime'],
  ['東方Project', 'Touhou Project', '东方Project', 'game'], ['エヴァンゲリオン', 'Evangelion', '新世纪福音战士', 'anime'], ['サンリオ', 'Sanrio', '三丽鸥', 'character'],
  ['すみっコぐらし', 'Sumikko Gurashi', '角落生物', 'character'], ['星のカービィ', 'Kirby', '星之卡比', 'game'], ['スパイファミリー', 'SPY×FAMILY', '间谍过家家', 'anime'],
  ['進撃の巨人', 'Attack on Titan', '进击的巨人', 'anime'], ['チェンソーマン', 'Chainsaw Man', '电锯人', 'anime'], ['刀剣乱舞', 'Touken Ranbu', '刀剑乱舞', 'game'],
  ['Fate/Grand Order', 'Fate/Grand Order', '命运-冠位指定', 'game'], ['ガンダム', 'Gundam', '高达', 'anime'], ['セーラームーン', 'Sailor Moon', '美少女战士', 'anime'],
  ['ジョジョの奇妙な冒険', 'JoJo', 'JOJO的奇妙冒险', 'anime'], ['ぼっち・ざ・ろっく!', 'Bocchi the Rock!', '孤独摇滚', 'anime'], ['アークナイツ', 'Arknights', '明日方舟', 'game'],
  ['崩壊:スターレイル', 'Honkai: Star Rail', '崩坏：星穹铁道', 'game'], ['学園アイドルマスター', 'Gakuen Idolmaster', '学园偶像大师', 'game'], ['ダンダダン', 'Dandadan', '胆大党', 'anime'],
  ['たまごっち', 'Tamagotchi', '拓麻歌子', 'character'], ['シルバニアファミリー', 'Sylvanian Families', '森贝儿家族', 'character'], ['モンスターハンター', 'Monster Hunter', '怪物猎人', 'game'],
  ['遊戯王', 'Yu-Gi-Oh!', '游戏王', 'game'],
];

export const ips = NAMES.map(([name, en, cn, category], i) => {
  const roll = dice(1000 + i);
  const heat = Math.exp(-i / 11) * (0.6 + roll() * 0.9);
  const crawled = now() - Math.floor(roll() * 90 * 60_000);
  return {
    heat, ratio: 0.25 + roll() * 1.35, seed: 77 + i * 13, price: 700 + Math.floor(roll() * 5200),
    json: {
      id: i + 1, name, name_en: en, name_cn: cn, category, tags: i % 4 === 0 ? ['goods', 'acrylic'] : i % 3 === 0 ? ['goods'] : [],
      image_url: '', external_id: i % 5 ? '' : `a-${i}`, notes: i === 0 ? 'Magical Mirai goods spike in August.' : '',
      weight: Math.round((0.7 + heat) * 100) / 100, status: i === 36 ? 'paused' : i === 39 ? 'deleted' : 'active',
      last_crawled_at: i === 35 ? null : jst(i === 17 ? now() - 11 * HOUR : crawled), created_at: jst(now() - 40 * DAY), updated_at: jst(now() - 3 * DAY),
      tracking_since: i === 35 ? null : jst(now() - 40 * DAY), covered_until: i === 35 ? null : jst(hourStart(now())),
      on_sale_total: i === 35 ? null : Math.round(600 + heat * 18000), sold_total: i === 35 ? null : Math.round(9000 + heat * 900000),
      thresholds: { high_outflow: i === 0 ? 120 : null, low_liquidity: null, surge: i === 0 ? 2.5 : null, price_drop: null },
      next_due: i === 36 || i === 39 ? null : jst(now() + Math.floor(roll() * 110 * 60_000)), failures: i === 17 ? 4 : 0, failing: i === 17,
      last_error_class: i === 17 ? 'limited' : null, last_error: i === 17 ? 'HTTP 429 from the search; retry after 120 s' : null,
    },
  };
});

/** Hour `at` of an IP; null for one that was never crawled. */
export function hourOf(ip, at) {
  if (!ip.json.tracking_since) return null;
  const n = Math.floor(at / HOUR);
  const roll = dice(ip.seed * 100_003 + n);
  const clock = (n + 9) % 24;
  const day = 0.35 + 0.65 * Math.exp(-((((clock - 21 + 36) % 24) - 12) ** 2) / 40) + (clock > 10 && clock < 14 ? 0.25 : 0);
  const drift = 1 + 0.35 * Math.sin(n / 31 + ip.seed) + 0.2 * Math.sin(n / 7 + ip.seed * 2);
  const base = 130 * ip.heat * day * drift;
  const inflow = Math.max(0, Math.round(base * (0.7 + roll() * 0.6)));
  const surge = n % 97 === ip.seed % 97 ? 2.4 : 1;
  const outflow = Math.max(0, Math.round(base * ip.ratio * surge * (0.6 + roll() * 0.8)));
  const samples = Math.max(0, outflow - Math.floor(roll() * 3));
  const median = Math.round(ip.price * (0.85 + roll() * 0.3) * (1 + 0.1 * Math.sin(n / 60)));
  const low = Math.max(300, Math.round(median * (0.18 + roll() * 0.2)));
  const high = Math.round(median * (2.2 + roll() * 4));
  const gap = ip.heat > 0.9 && inflow > 110;
  const known = samples > 0;
  return {
    inflow, outflow, shops_inflow: 0, shops_outflow: 0, liquidity_index: inflow ? outflow / inflow : null, hot_score: ((outflow + 1) / (inflow + 1)) * Math.log(outflow + 1),
    active_count: Math.round(ip.json.on_sale_total * (0.96 + 0.06 * Math.sin(n / 40 + ip.seed))),
    avg_price: known ? Math.round(median * 1.2) : null, median_price: known ? median : null, min_price: known ? low : null, max_price: known ? high : null, price_stddev: known ? median * 0.6 : null, sample_count: samples,
    min_price_item: known ? sale(ip, low, n) : null, max_price_item: known ? sale(ip, high, n + 1) : null,
    saturated: gap, inflow_saturated: gap, outflow_saturated: false,
  };
}

const GOODS = ['アクリルスタンド', '缶バッジ 5個セット', 'ぬいぐるみ Lサイズ', '一番くじ A賞 フィギュア', 'クリアファイル', 'ねんどろいど', 'トレーディングカード まとめ売り', 'タペストリー B2', 'ラバーストラップ', '描き下ろし 色紙', 'Blu-ray BOX 初回限定', 'キーホルダー 未開封'];
export const picture = (n) => `/mock/picture/${Math.abs(n) % 360}.svg`;
function sale(ip, price, n) {
  const id = `m${10_000_000_000 + (ip.seed * 7919 + n) % 89_999_999}`;
  return { source_id: id, title: `${ip.json.name} ${GOODS[Math.abs(n) % GOODS.length]} 【匿名配送】`, price, item_url: `https://jp.mercari.com/item/${id}`, image_url: picture(n * 37 + ip.seed) };
}

export function items(ip, status) {
  if (!ip.json.tracking_since) return [];
  const roll = dice(ip.seed + (status === 'sold' ? 5 : 9));
  return Array.from({ length: 143 }, (_, i) => {
    const listed = now() - Math.floor((i * 0.4 + roll() * 60) * HOUR);
    const took = Math.floor(Math.exp(roll() * 5.2) * 12 * 60_000);
    const s = sale(ip, Math.round(ip.price * Math.exp((roll() - 0.5) * 1.8) / 10) * 10, i * 11 + 3);
    return {
      id: ip.json.id * 1000 + i, ip_id: ip.json.id, source_id: s.source_id, title: s.title, price: i % 31 === 30 ? null : s.price, status, kind: i % 9 === 4 ? 'auction' : i % 13 === 5 ? 'shops' : 'personal',
      image_url: i % 17 === 3 ? 'https://static.mercdn.net/thumb/item/webp/x_1.jpg' : s.image_url, item_url: s.item_url, first_seen_at: jst(listed), last_seen_at: jst(now() - 600_000), listed_at: jst(listed - (status === 'sold' ? took : 0)),
      sold_at: status === 'sold' ? jst(listed) : null, price_changed: i % 6 === 2,
    };
  });
}

export function leaderboard(type, hours, limit) {
  const end = hourStart(now());
  const rows = ips.filter((ip) => ip.json.status !== 'deleted' && ip.json.tracking_since).map((ip) => {
    let inflow = 0, outflow = 0, saturated = false;
    for (let h = 1; h <= hours; h++) {
      const s = hourOf(ip, end - h * HOUR);
      inflow += s.inflow; outflow += s.outflow; saturated ||= s.saturated;
    }
    const hot = ((outflow + 1) / (inflow + 1)) * Math.log(outflow + 1);
    return { ip_id: ip.json.id, ip_name: ip.json.name, ip_name_en: ip.json.name_en, ip_name_cn: ip.json.name_cn, inflow, outflow, shops_inflow: 0, shops_outflow: 0, liquidity_index: inflow ? outflow / inflow : null, score: type === 'hot' ? hot : type === 'inflow' ? inflow : outflow, saturated: saturated && hours <= 24, hours };
  });
  rows.sort((a, b) => b.score - a.score || a.ip_id - b.ip_id);
  // The score is what is ranked by; the map needs the hot score whatever the ranking.
  const listed = rows.slice(0, limit).map((row, i) => ({ rank: i + 1, ...row }));
  return { type, hours, time_range: { start: jst(end - hours * HOUR), end: jst(end) }, items: listed, count: listed.length, from_cache: true, cached_at: jst(now() - 20_000) };
}

// Accounts
const ACCOUNTS = [
  ['OpenRouter prod', 'openrouter', 'OpenRouter', 'platform', 'USD', 312.4, 1000, 11.2, 100, 'high', 'ok'],
  ['Aliyun main', 'aliyun', 'Alibaba Cloud', 'platform', 'CNY', 1840.55, null, 240.1, 2000, 'high', 'ok'],
  ['Volcengine ark', 'volcengine', 'Volcengine', 'platform', 'CNY', 96.2, null, 31.4, 200, 'medium', 'ok'],
  ['UniAPI shared', 'uniapi', 'UniAPI', 'research', 'USD', 54.01, 200, 2.1, 20, 'medium', 'ok'],
  ['TikHub crawl', 'tikhub', 'TikHub', 'data', 'USD', 18.3, null, 0.6, 5, 'high', 'ok'],
  ['wxrank', 'wxrank', 'WxRank', 'data', 'CNY', 421, null, null, 100, 'accumulating', 'ok'],
  ['DeepSeek team', 'deepseek', 'DeepSeek', 'research', 'CNY', 77.15, null, 9.8, 50, 'low', 'unauthorized'],
  ['Moonshot batch', 'moonshot', 'Moonshot', 'research', 'CNY', null, null, null, 100, 'accumulating', 'malformed'],
  ['AWS credits', 'aws', 'AWS', 'platform', 'USD', 12480, 25000, 83, 2000, 'high', 'ok'],
  ['SiliconFlow', 'siliconflow', 'SiliconFlow', 'research', 'CNY', 0, null, 4.1, 20, 'high', 'ok'],
  ['Tencent Cloud', 'tencent', 'Tencent Cloud', 'platform', 'CNY', 5210.7, null, 61, 1000, 'medium', 'unreachable'],
  ['Internal gateway', 'http_json', 'Any JSON address', 'platform', 'credits', 88213, 250000, 1290, 30000, 'medium', 'ok'],
  ['Office printer', 'manual', 'Stated by hand', 'office', 'JPY', 3200, null, 45, 1000, 'high', 'ok'],
  ['Gemini trial', 'gemini', 'Google Gemini', 'research', 'tokens', null, null, null, null, 'accumulating', 'new'],
];
export const accounts = ACCOUNTS.map(([name, provider, title, group, unit, remaining, total, burn, threshold, confidence, status], i) => {
  const bad = status !== 'ok' && status !== 'new';
  const days = burn && remaining !== null ? remaining / burn : null;
  const below = threshold !== null && remaining !== null && remaining < threshold;
  return {
    burn,
    json: {
      id: i + 1, name, provider, provider_title: title, group, tags: i % 3 ? [] : ['prod'], amount: unit === 'tokens' ? 'tokens' : unit === 'credits' ? 'credits' : 'balance', mask: `sk-o...${(1000 + i * 37).toString(16)}`, params: provider === 'http_json' ? { url: 'https://gateway.internal/api/credit', path: 'data.left' } : {},
      thresholds: threshold === null ? [] : [{ when: `remaining < ${threshold}`, severity: 'warning' }, ...(i % 2 ? [{ when: 'days_left < 3', severity: 'critical' }] : [])], interval_seconds: 3600, state: 'active', origin: i < 3 ? 'config' : 'ui', org: null,
      created_at: jst(now() - 60 * DAY), updated_at: jst(now() - 2 * DAY), checked_at: status === 'new' ? null : jst(now() - (5 + i * 3) * 60_000), status,
      error: status === 'unauthorized' ? 'HTTP 401: the secret was refused' : status === 'malformed' ? 'data.available_balance is missing' : status === 'unreachable' ? 'connect timed out after 15 s' : null,
      good_at: status === 'new' || status === 'malformed' ? null : jst(now() - (bad ? 29 * HOUR : (5 + i * 3) * 60_000)),
      remaining: remaining === null ? null : remaining.toFixed(2), total: total === null ? null : String(total), used: total === null || remaining === null ? null : (total - remaining).toFixed(2), used_ratio: total === null || remaining === null ? null : ((total - remaining) / total).toFixed(4), unit, unlimited: false,
      windows: i === 0 ? [{ name: 'monthly', used_ratio: '0.6876', resets_at: jst(now() + 9 * DAY) }, { name: 'daily', used_ratio: '0.91', resets_at: jst(now() + 7 * HOUR) }] : [], period_start: null, period_end: null, expires_at: i === 8 ? jst(now() + 120 * DAY) : null,
      forecast: status === 'new' || remaining === null ? null : { days_left: days, low: days === null ? null : days * 0.82, high: days === null ? null : days * 1.3, burn_per_day: burn, confidence, empties_at: days === null ? null : jst(now() + days * DAY), note: bad ? 'stale' : remaining === 0 ? 'empty' : days === null ? 'accumulating' : 'burning' },
      next_due: jst(now() + (12 + i * 4) * 60_000), checking: false,
      alerts: below ? [{ id: 100 + i, alert_type: 'low_balance', severity: remaining === 0 ? 'critical' : 'warning', status: 'firing', title: `${name}: ${remaining} ${unit} left` }] : bad ? [{ id: 100 + i, alert_type: 'unreadable', severity: 'warning', status: 'firing', title: `${name} cannot be read` }] : [],
    },
  };
});

export function readings(account, days) {
  const a = account.json;
  if (a.remaining === null) return { unit: a.unit, current: null, min: null, max: null, avg: null, change: null, change_percent: null, burned: 0, added: 0, series: [] };
  const roll = dice(a.id * 31);
  const points = Math.min(240, days * 12);
  const step = (days * DAY) / points;
  let level = Number(a.remaining);
  const burn = (account.burn ?? level / 60) * (step / DAY);
  const series = [];
  const cap = Math.max(level * 2, (account.burn ?? 1) * 40);
  for (let i = 0; i < points; i++) {
    const at = now() - i * step - 300_000;
    series.push({ at: jst(at), until: jst(at + step), remaining: level.toFixed(2), total: a.total, used_ratio: null, low: level, high: level, burned: burn, added: 0 });
    level += burn * (0.3 + roll() * 1.4);
    if (level > cap) level = cap * 0.25;
  }
  series.reverse();
  const values = series.map((p) => Number(p.remaining));
  const [first, last] = [values[0], values.at(-1)];
  return { account: a.id, name: a.name, unit: a.unit, current: a.remaining, min: Math.min(...values), max: Math.max(...values), avg: values.reduce((s, v) => s + v, 0) / values.length, change: last - first, change_percent: (100 * (last - first)) / first, burned: burn * points, added: 0, series };
}

export const providers = [
  { name: 'openrouter', title: 'OpenRouter', kind: 'balance', docs: 'https://openrouter.ai/docs', about: 'The lower of key limit and account credit.', secret: [], params: [] },
  { name: 'aliyun', title: 'Alibaba Cloud', kind: 'balance', docs: 'https://help.aliyun.com', about: null, secret: ['access_key_id', 'access_key_secret'], params: [{ name: 'region', about: 'where the account is', required: false, default: 'cn-hangzhou', choices: ['cn-hangzhou', 'ap-southeast-1'] }] },
  { name: 'factory', title: 'Factory', kind: 'key', docs: '', about: null, secret: [], params: [] },
  { name: 'http_json', title: 'Any JSON address', kind: 'balance', docs: '', about: 'Any address that answers JSON, and a path to the number.', secret: [], params: [{ name: 'url', about: 'the address', required: true, default: null, choices: [] }, { name: 'path', about: 'where the number is', required: false, default: null, choices: [] }] },
  { name: 'manual', title: 'Stated by hand', kind: 'balance', docs: '', about: 'A balance you state, which burns by a stated rate.', secret: [], params: [{ name: 'balance', about: 'what was left', required: true, default: null, choices: [] }, { name: 'as_of', about: 'when', required: true, default: null, choices: [] }] },
];

// Keys
export function makeKeys(count) {
  const roll = dice(42);
  const hex = (n) => Array.from({ length: n }, () => '0123456789abcdefghijklmnopqrstuvwxyz'[Math.floor(roll() * 36)]).join('');
  return Array.from({ length: count }, (_, i) => makeKey(i + 1, i % 3 === 0 ? `droid-${String(i).padStart(5, '0')}` : '', `fk-${hex(24)}`, roll));
}
export function makeKey(id, name, secret, roll = Math.random) {
  const r = roll();
  const status = r < 0.9 ? 'ok' : r < 0.93 ? 'unauthorized' : r < 0.95 ? 'limited' : r < 0.97 ? 'unreachable' : r < 0.985 ? 'malformed' : 'new';
  const never = status === 'new' || (status === 'malformed' && roll() < 0.7);
  const total = 20_000_000;
  const used = Math.min(total, Math.floor(total * roll() ** 0.7 * 1.08));
  return {
    secret,
    json: {
      id, name, mask: `${secret.slice(0, 4)}...${secret.slice(-4)}`, provider: 'factory', tags: id % 5 === 0 ? ['team-a'] : id % 7 === 0 ? ['team-b', 'spare', 'old'] : [], org: `org-${Math.floor(roll() * 1200)}`, state: 'active', status,
      error: { unauthorized: 'HTTP 401', limited: 'HTTP 429, retry after 60 s', unreachable: 'timed out', malformed: 'usage.standard is missing' }[status] ?? null,
      remaining: never ? null : String(total - used), total: never ? null : String(total), used: never ? null : String(used), used_ratio: never ? null : (used / total).toFixed(4), unit: never ? null : 'tokens', unlimited: false, windows: [],
      period_start: jst(now() - 12 * DAY), period_end: jst(now() + 18 * DAY), expires_at: null, checked_at: status === 'new' ? null : jst(now() - Math.floor(roll() * 3600_000)), good_at: never ? null : jst(now() - Math.floor(roll() * (status === 'ok' ? 3600_000 : 3 * DAY))), created_at: jst(now() - 20 * DAY),
    },
  };
}

// Alerts
const TITLES = [
  ['market', 1, '初音ミク', 'high_outflow', 'warning', '初音ミク: 132 sold in an hour', '132 items were bought between 20:00 and 21:00 JST; the threshold is 120.', 132],
  ['market', 10, '葬送のフリーレン', 'surge', 'critical', '葬送のフリーレン: index 2.41', 'More than twice as many were bought as listed in the last hour (94 / 39).', 2.41],
  ['account', 3, 'Volcengine ark', 'low_balance', 'warning', 'Volcengine ark: CN¥96.20 left', 'Below the threshold of CN¥200. At the present rate it is empty in 3.1 days (2.5 to 4.0).', 96.2],
  ['account', 10, 'SiliconFlow', 'low_balance', 'critical', 'SiliconFlow: nothing left', 'CN¥0.00 remaining, threshold CN¥20.', 0],
  ['account', 7, 'DeepSeek team', 'unreadable', 'warning', 'DeepSeek team cannot be read', 'HTTP 401: the secret was refused. The last good reading is 29 hours old.', null],
  ['subscription', 2, 'GitHub Team', 'renewal', 'info', 'GitHub Team renews in 3 days', 'USD 84.00 on Nov 24.', 3],
  ['mailbox', 1, 'billing@', 'billing_mail', 'warning', 'Overdue notice from Vultr', '“payment failed” in the subject; USD 12.40.', 12.4],
  ['market', 18, 'ラブライブ!', 'stale', 'warning', 'ラブライブ!: no crawl for 11 hours', 'The last four crawls failed with HTTP 429.', null],
  ['account', 2, 'Aliyun main', 'low_balance', 'warning', 'Aliyun main: CN¥1,840.55 left', 'Below the threshold of CN¥2,000.', 1840.55],
  ['key', 4, 'factory pool', 'pool_low', 'info', 'Factory pool: 24 % left', '', 24],
  ['market', 4, 'ちいかわ', 'low_liquidity', 'info', 'ちいかわ: index 0.21', 'Much more is listed than bought.', 0.21],
  ['market', 13, 'ワンピース', 'price_drop', 'warning', 'ワンピース: median fell 34 %', '¥1,180 against a 7-day median of ¥1,790 (41 and 288 sales).', 0.34],
];
const STATES = ['firing', 'firing', 'firing', 'firing', 'acked', 'snoozed', 'firing', 'firing', 'acked', 'resolved', 'resolved', 'resolved'];
export const alerts = TITLES.map(([kind, ref_id, target_name, alert_type, severity, title, message, value], i) => {
  const opened = now() - (i * 47 + 12) * 60_000;
  const status = STATES[i];
  return { id: 100 + i, kind, ref_id, target_name, alert_type, window: '', severity, status, title, message, value, opened_at: jst(opened), told_at: jst(opened + 30_000), snoozed_until: status === 'snoozed' ? jst(now() + 5 * HOUR) : null, resolved_at: status === 'resolved' ? jst(now() - i * 60_000) : null, acknowledged: status === 'acked', acknowledged_at: status === 'acked' ? jst(opened + 400_000) : null, acknowledged_by: status === 'acked' ? 'mio' : null, notices: 1 + (i % 3) };
});

// Channels
const field = (name, label, type, example, more = {}) => ({ name, label: `channel.field.${label}`, type, secret: false, required: false, example, choices: [], ...more });
export const kinds = [
  { kind: 'feishu', label: 'channel.kind.feishu', example: 'feishu://token?secret=signature-secret', fields: [field('url', 'url', 'url', 'https://open.feishu.cn/open-apis/bot/v2/hook/0000', { secret: true, required: true }), field('secret', 'signature', 'text', 'signature-secret', { secret: true }), field('keyword', 'keyword', 'text', 'tidewatch'), field('format', 'format', 'choice', 'card', { choices: ['card', 'text'] })] },
  { kind: 'dingtalk', label: 'channel.kind.dingtalk', example: 'dingtalk://token?secret=SECsignature', fields: [field('url', 'url', 'url', 'https://oapi.dingtalk.com/robot/send?access_token=0', { secret: true, required: true }), field('at_mobiles', 'at_mobiles', 'list', '13800000000'), field('at_all', 'at_all', 'flag', 'false')] },
  { kind: 'email', label: 'channel.kind.email', example: 'mailtos://user:password@example.com?to=ops@example.com', fields: [field('host', 'host', 'text', 'smtp.example.com', { required: true }), field('port', 'port', 'number', '587'), field('tls', 'tls', 'choice', 'starttls', { choices: ['starttls', 'wrapper', 'none'] }), field('user', 'user', 'text', 'bob'), field('password', 'password', 'text', 'correct horse', { secret: true }), field('from', 'from', 'text', 'tidewatch@example.com', { required: true }), field('to', 'to', 'list', 'ops@example.com', { required: true })] },
  { kind: 'webhook', label: 'channel.kind.webhook', example: 'jsons://host/path', fields: [field('url', 'url', 'url', 'https://example.com/hooks/0', { secret: true, required: true }), field('headers', 'headers', 'map', 'value', { secret: true }), field('template', 'template', 'lines', '{"text":{{title}}}')] },
];
const channel = (id, name, kind, more) => ({ id, name, kind, config: { url: '***' }, problem: null, allow_private: false, private: false, severity_floor: 'warning', language: 'en', quiet: null, per_second: null, per_minute: null, gather_seconds: null, enabled: true, origin: 'ui', created_at: jst(now() - 30 * DAY), updated_at: jst(now() - 3 * DAY), paused_until: null, waiting: 0, dead: 0, last_sent_at: jst(now() - 14 * 60_000), ...more });
export const channels = [
  channel(1, 'Ops on Feishu', 'feishu', { language: 'zh', severity_floor: 'info', origin: 'config' }),
  channel(2, 'On-call mail', 'email', { severity_floor: 'critical', config: { host: 'smtp.example.com', port: 587, tls: 'starttls', from: 'tidewatch@example.com', to: ['ops@example.com'], password: '***' } }),
  channel(3, 'DingTalk data team', 'dingtalk', { quiet: '22:00-07:00 Asia/Shanghai', waiting: 3, dead: 2, paused_until: jst(now() + 240_000) }),
  channel(4, 'Old webhook', 'webhook', { enabled: false, last_sent_at: null }),
];
export const deliveries = Array.from({ length: 46 }, (_, i) => {
  const alert = alerts[i % alerts.length];
  const state = i % 11 === 3 ? 'dead' : i < 3 ? 'waiting' : 'sent';
  const at = now() - i * 23 * 60_000;
  return { id: 900 - i, outbox_id: 500 - i, channel_id: 1 + (i % 3), state, attempts: state === 'dead' ? 8 : state === 'waiting' ? 2 : 1, created_at: jst(at), next_attempt_at: jst(now() + 90_000), last_attempt_at: jst(at + 1000), sent_at: state === 'sent' ? jst(at + 1200) : null, last_error: state === 'dead' ? 'errcode 310000: keywords not in content' : state === 'waiting' ? 'HTTP 503' : null, channel: channels[i % 3].name, alert_id: alert.id, notice: ['fired', 'reminder', 'recovered'][i % 3], title: alert.title };
});

// Reminders
const dayText = (ms) => new Date(ms).toISOString().slice(0, 10);
const SUBS = [['Vercel Pro', 'platform', 'monthly', 0, '20.00', 'USD'], ['GitHub Team', 'platform', 'monthly', 3, '84.00', 'USD'], ['Aliyun ECS', 'platform', 'yearly', 6, '3299.00', 'CNY'], ['Figma', 'design', 'monthly', 11, '45.00', 'USD'], ['さくらのVPS', 'data', 'monthly', 14, '1738', 'JPY'], ['Domain tidewatch.example', 'platform', 'yearly', 63, '12.00', 'USD'], ['Weekly proxy', 'data', 'weekly', 2, '35.00', 'CNY'], ['Old CDN', 'data', 'monthly', null, '9.00', 'USD']];
export const subscriptions = SUBS.map(([name, project, cycle, days, amount, currency], i) => ({ id: i + 1, name, owner_project: project, cycle_type: cycle, renewal_day: cycle === 'weekly' ? 1 : cycle === 'monthly' ? new Date(now() + (days ?? 0) * DAY).getUTCDate() : 1124, alert_days_before: [7, 3, 1, 0], amount, currency, time_zone: 'Asia/Shanghai', last_renewed_date: i === 4 ? dayText(now() - DAY) : null, end_date: days === null ? dayText(now() - 20 * DAY) : null, notes: '', enabled: i !== 3, status: i === 3 ? 'paused' : days === null ? 'ended' : i === 4 ? 'renewed' : days <= 7 ? 'due' : 'upcoming', days_until_renewal: days, next_renewal_date: days === null ? null : dayText(now() + days * DAY), next_reminder_date: days === null || i === 3 ? null : dayText(now() + Math.max(1, days - 3) * DAY), already_renewed: i === 4, need_alert: days !== null && days <= 7, next_check_at: null, last_checked_at: jst(now() - HOUR), created_at: jst(now() - 90 * DAY), updated_at: jst(now() - 9 * DAY) }));
export function calendar(from, to) {
  const renewals = [];
  for (const s of subscriptions) {
    if (!s.next_renewal_date || !s.enabled) continue;
    const step = s.cycle_type === 'weekly' ? 7 : s.cycle_type === 'monthly' ? 30 : 365;
    let at = Date.parse(s.next_renewal_date);
    while (dayText(at) > from) at -= step * DAY;
    for (; dayText(at) <= to; at += step * DAY) if (dayText(at) >= from) renewals.push({ date: dayText(at), subscription_id: s.id, name: s.name, owner_project: s.owner_project, cycle_type: s.cycle_type, amount: s.amount, currency: s.currency, renewed: at < now() - DAY || s.already_renewed });
  }
  renewals.sort((a, b) => (a.date < b.date ? -1 : 1));
  const totals = {};
  for (const r of renewals) totals[r.currency] = (Number(totals[r.currency] ?? 0) + Number(r.amount)).toFixed(2);
  return { from, to, totals, renewals };
}
const mailbox = (id, name, more) => ({ id, name, host: 'imap.example.com', port: 993, tls: 'tls', auth: 'password', username: `${name.toLowerCase()}@example.com`, has_secret: true, folder: 'INBOX', words: null, allow_private: false, interval_seconds: 900, enabled: true, readable: true, last_scan_at: jst(now() - 600_000), last_good_at: jst(now() - 600_000), last_took_ms: 812, last_error: null, next_scan_at: jst(now() + 300_000), scans: 812, failed_scans: 3, scanned: 4120, hits: 3, uidvalidity: 1, last_uid: 991, created_at: jst(now() - 40 * DAY), updated_at: jst(now() - 9 * DAY), ...more });
export const mailboxes = [mailbox(1, 'Billing', {}), mailbox(2, 'Legacy', { readable: false, last_error: 'log-in refused: AUTHENTICATIONFAILED', last_good_at: jst(now() - 3 * DAY), hits: 0 })];
export const hits = [
  { id: 1, message_id: '<a@x>', received_at: jst(now() - 5 * HOUR), found_at: jst(now() - 5 * HOUR), sender: 'billing@vultr.example', subject: 'Your payment failed – action required', service: 'Vultr', amount: '12.40', currency: 'USD', words: ['payment failed'], alerted: true },
  { id: 2, message_id: '<b@x>', received_at: jst(now() - 40 * HOUR), found_at: jst(now() - 40 * HOUR), sender: 'system@notice.aliyun.example', subject: '【阿里云】您的账户余额不足，请及时续费', service: 'Alibaba Cloud', amount: '35.20', currency: 'CNY', words: ['余额不足', '续费'], alerted: true },
  { id: 3, message_id: '<c@x>', received_at: jst(now() - 90 * HOUR), found_at: jst(now() - 90 * HOUR), sender: 'info@sakura.example', subject: 'お支払いのご確認（残高不足）', service: 'さくらインターネット', amount: '1738', currency: 'JPY', words: ['残高不足'], alerted: true },
];

// System
export const upstreams = [
  { name: 'mercari', state: 'closed', rate: 2.84, failures: 0, open_until: null, latency_p50_ms: 212, latency_p95_ms: 640, requests: 182_301, errors: 214 },
  { name: 'api.factory.ai', state: 'closed', rate: 40, failures: 0, open_until: null, latency_p50_ms: 88, latency_p95_ms: 301, requests: 88_120, errors: 921 },
  { name: 'openrouter.ai', state: 'closed', rate: 5, failures: 0, open_until: null, latency_p50_ms: 140, latency_p95_ms: 380, requests: 1230, errors: 0 },
  { name: 'tencentcloudapi.com', state: 'open', rate: 1, failures: 3, open_until: jst(now() + 44_000), latency_p50_ms: 15_000, latency_p95_ms: 15_000, requests: 402, errors: 12 },
  { name: 'wxrank.com', state: 'half_open', rate: 1, failures: 1, open_until: null, latency_p50_ms: null, latency_p95_ms: null, requests: null, errors: null },
];
const ACTIONS = ['ip.update', 'alert.ack', 'key.import', 'key.delete', 'channel.update', 'account.create', 'login', 'ip.trigger', 'key.reveal', 'subscription.renewed'];
export const audit = Array.from({ length: 137 }, (_, i) => ({ id: 1000 - i, at: jst(now() - i * 37 * 60_000), actor: ['mio', 'admin', 'ken'][i % 3], action: ACTIONS[i % ACTIONS.length], subject: ACTIONS[i % ACTIONS.length].startsWith('key.delete') ? '431 keys (filter: status=unauthorized)' : `${ACTIONS[i % ACTIONS.length].split('.')[0]}:${i + 1}` }));
