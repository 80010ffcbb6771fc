/** The shapes of the JSON API. `null` is "not known", never zero; amounts are decimal strings. */

export type Role = 'anonymous' | 'viewer' | 'operator' | 'admin';
export type Feature = 'market' | 'accounts' | 'keys' | 'reminders';
/** RFC 3339 with an offset. */
export type Time = string;
/** A decimal number as text, so that no digit is lost. */
export type Decimal = string;
export type Severity = 'info' | 'warning' | 'critical';

export interface Session {
  role: Role;
  username?: string | null;
  csrf: string | null;
  public: string[];
  demo: boolean;
  version: string;
  features: Partial<Record<Feature, boolean>>;
}

export interface Page<T> {
  data: T[];
  total: number;
  page: number;
  page_size: number;
}

// Market
export type Ranking = 'hot' | 'inflow' | 'outflow';

export interface Ranked {
  rank: number;
  ip_id: number;
  ip_name: string;
  ip_name_en: string;
  ip_name_cn: string;
  inflow: number;
  outflow: number;
  liquidity_index: number | null;
  score: number;
  saturated: boolean;
  hours: number;
}

export interface Leaderboard {
  type: Ranking;
  hours: number;
  time_range: { start: Time; end: Time };
  items: Ranked[];
  count: number;
  from_cache: boolean;
  cached_at: Time;
}

export interface IpThresholds {
  high_outflow: number | null;
  low_liquidity: number | null;
  surge: number | null;
  price_drop: number | null;
}

export interface Ip {
  id: number;
  name: string;
  name_en: string;
  name_cn: string;
  category: string;
  tags: string[];
  image_url: string;
  external_id: string;
  notes: string;
  weight: number;
  status: 'active' | 'paused' | 'deleted';
  last_crawled_at: Time | null;
  created_at: Time;
  updated_at: Time;
  tracking_since: Time | null;
  covered_until: Time | null;
  on_sale_total: number | null;
  sold_total: number | null;
  thresholds: IpThresholds;
  next_due: Time | null;
  failures: number | null;
  failing: boolean | null;
  last_error_class: string | null;
  last_error?: string | null;
}

export interface Liquidity {
  ip_id: number;
  ip_name: string;
  hour_bucket: Time | null;
  on_sale_inflow: number | null;
  on_sale_outflow: number | null;
  on_sale_total: number | null;
  sold_inflow: number | null;
  sold_total: number | null;
  active_count: number | null;
  liquidity_index: number | null;
  hot_score: number | null;
  saturated: boolean | null;
  inflow_saturated: boolean | null;
  outflow_saturated: boolean | null;
  updated_at: Time | null;
}

export interface SaleItem {
  source_id: string;
  title: string;
  price: number;
  item_url: string;
  image_url: string | null;
}

interface Numbers {
  inflow: number;
  outflow: number;
  liquidity_index: number | null;
  hot_score: number;
  active_count: number | null;
  avg_price: number | null;
  median_price: number | null;
  min_price: number | null;
  max_price: number | null;
  price_stddev: number | null;
  sample_count: number;
  min_price_item: SaleItem | null;
  max_price_item: SaleItem | null;
  saturated: boolean;
  inflow_saturated: boolean;
  outflow_saturated: boolean;
}

export interface HourStats extends Numbers {
  hour_bucket: Time;
}

export interface PeriodStats extends Numbers {
  starts_at: Time;
  ends_at: Time;
  hours: number;
  complete: boolean;
}

export interface Stats<T> {
  ip_id: number;
  ip_name: string;
  stats: T[];
  count: number;
}

export interface Item {
  id: number;
  ip_id: number;
  source_id: string;
  title: string;
  price: number | null;
  status: 'on_sale' | 'sold' | 'deleted';
  kind: string;
  image_url: string | null;
  item_url: string;
  first_seen_at: Time;
  last_seen_at: Time;
  listed_at: Time | null;
  sold_at: Time | null;
  price_changed: boolean;
}

export interface ImportReport {
  created: number;
  updated: number;
  skipped: number;
  failed: number;
  details: { name: string | null; status: string; id: number | null; error: string | null }[];
}

// Accounts and keys
export interface QuotaWindow {
  name: string;
  used_ratio: number | string | null;
  resets_at: Time | null;
}

export type Confidence = 'accumulating' | 'low' | 'medium' | 'high';

export interface Forecast {
  days_left: number | null;
  low: number | null;
  high: number | null;
  burn_per_day: Decimal | number | null;
  confidence: Confidence;
  empties_at: Time | null;
  note: string;
}

export interface Threshold {
  when: string;
  severity: Severity;
}

export interface Account {
  id: number;
  name: string;
  provider: string;
  provider_title: string;
  group: string;
  tags: string[];
  amount: 'balance' | 'credits' | 'tokens';
  mask: string;
  params: Record<string, unknown>;
  thresholds: Threshold[];
  interval_seconds: number;
  state: 'active' | 'paused';
  origin: string;
  org: string | null;
  created_at: Time;
  updated_at: Time;
  checked_at: Time | null;
  status: string;
  error: string | null;
  good_at: Time | null;
  remaining: Decimal | null;
  total: Decimal | null;
  used: Decimal | null;
  used_ratio: number | string | null;
  unit: string | null;
  unlimited: boolean;
  windows: QuotaWindow[];
  period_start: Time | null;
  period_end: Time | null;
  expires_at: Time | null;
  forecast: Forecast | null;
  next_due: Time | null;
  checking: boolean;
  alerts: { id: number; alert_type: string; severity: Severity; status: string; title: string }[];
}

export interface AccountsSummary {
  count: number;
  by_status: Record<string, number>;
  groups: { name: string; count: number }[];
  providers: { name: string; title: string; count: number }[];
}

export interface ReadingPoint {
  at: Time;
  until: Time | null;
  remaining: Decimal | null;
  total: Decimal | null;
  used_ratio: number | string | null;
  low: Decimal | null;
  high: Decimal | null;
  burned: Decimal | null;
  added: Decimal | null;
}

export interface Readings {
  unit: string | null;
  current: Decimal | null;
  min: Decimal | null;
  max: Decimal | null;
  avg: Decimal | null;
  change: Decimal | null;
  change_percent: number | string | null;
  burned: Decimal | null;
  added: Decimal | null;
  series: ReadingPoint[];
}

export interface Refresh {
  id: string | number;
  kind: 'account' | 'key';
  total: number;
  done: number;
  ok: number;
  failed: number;
  started_at: Time;
  finished_at: Time | null;
}

export interface ProviderParam {
  name: string;
  about: string;
  required: boolean;
  default: string | null;
  choices: string[];
}

export interface Provider {
  name: string;
  title: string;
  kind: string;
  docs: string;
  about: string | null;
  /** The parts of the secret, joined by `:`; empty is one part. */
  secret: string[];
  params: ProviderParam[];
}

export interface Key {
  id: number;
  name: string;
  mask: string;
  provider: string;
  tags: string[];
  org: string | null;
  state: string;
  status: string;
  error: string | null;
  remaining: Decimal | null;
  total: Decimal | null;
  used: Decimal | null;
  used_ratio: number | string | null;
  unit: string | null;
  unlimited: boolean;
  windows: QuotaWindow[];
  period_start: Time | null;
  period_end: Time | null;
  expires_at: Time | null;
  checked_at: Time | null;
  good_at: Time | null;
  created_at: Time;
}

export interface KeysSummary {
  count: number;
  by_status: Record<string, number>;
  orgs: number;
  totals: { unit: string | null; remaining: Decimal | null; total: Decimal | null; used: Decimal | null; accounts: number }[];
  unknown: number;
  checked_oldest: Time | null;
  checked_newest: Time | null;
}

export interface KeyImport {
  success: number;
  failed: number;
  duplicates: number;
  total: number;
  errors: { line: number; error: string }[];
}

export interface KeyFilter {
  q?: string;
  tag?: string;
  provider?: string;
  status?: string;
  org?: string;
  remaining_min?: string;
  remaining_max?: string;
  ratio_min?: string;
  ratio_max?: string;
}

export type Selection = { ids: number[] } | { filter: KeyFilter } | { all: true };

// Alerts and channels
export type AlertStatus = 'pending' | 'firing' | 'acked' | 'snoozed' | 'resolved';

export interface Alert {
  id: number;
  kind: string;
  ref_id: number;
  target_name: string | null;
  alert_type: string;
  window: string;
  severity: Severity;
  status: AlertStatus;
  title: string;
  message: string;
  value: number | null;
  opened_at: Time;
  told_at: Time | null;
  snoozed_until: Time | null;
  resolved_at: Time | null;
  acknowledged: boolean;
  acknowledged_at: Time | null;
  acknowledged_by: string | null;
  notices: number;
}

export interface AlertNotice {
  id: number;
  notice: string;
  severity: Severity;
  title: string;
  message: string;
  created_at: Time;
  waiting: boolean;
  deliveries: Delivery[];
}

export interface AlertExplained extends Alert {
  why: {
    value: number | null;
    title: string;
    message: string;
    life: { status: AlertStatus; failures: number; successes: number; lasting_seconds: number };
  };
  log: AlertNotice[];
}

export interface AlertsSummary {
  open: number;
  pending: number;
  unacknowledged: number;
  by_severity: Partial<Record<Severity, number>>;
  by_kind: Record<string, number>;
  by_status: Partial<Record<AlertStatus, number>>;
}

export interface Delivery {
  id: number;
  channel_id: number;
  channel: string | null;
  alert_id: number | null;
  notice: string | null;
  title: string | null;
  state: 'waiting' | 'sent' | 'dead' | 'dropped';
  attempts: number;
  created_at: Time;
  next_attempt_at: Time | null;
  last_attempt_at: Time | null;
  sent_at: Time | null;
  last_error: string | null;
}

export type FieldKind = 'text' | 'url' | 'lines' | 'number' | 'flag' | 'choice' | 'list' | 'map';

export interface FormField {
  name: string;
  label: string;
  type: FieldKind;
  secret: boolean;
  required: boolean;
  example: string;
  choices: string[];
}

export interface ChannelForm {
  kind: string;
  label: string;
  example: string;
  fields: FormField[];
}

export interface Channel {
  id: number;
  name: string;
  kind: string;
  config: Record<string, unknown> | null;
  /** Why nothing can be sent to it. */
  problem: string | null;
  allow_private: boolean;
  private: boolean;
  severity_floor: Severity;
  language: 'en' | 'zh' | 'ja';
  quiet: string | null;
  per_second: number | null;
  per_minute: number | null;
  gather_seconds: number | null;
  enabled: boolean;
  origin: 'config' | 'ui';
  created_at: Time;
  updated_at: Time;
  paused_until: Time | null;
  waiting: number;
  dead: number;
  last_sent_at: Time | null;
}

export interface ChannelTrial {
  delivered: boolean;
  verdict: 'delivered' | 'retry' | 'refused';
  why: string | null;
  retry_after_seconds: number | null;
  status: number | null;
  said: string | null;
  took_ms: number;
}

// Reminders
export interface Subscription {
  id: number;
  name: string;
  owner_project: string;
  cycle_type: 'weekly' | 'monthly' | 'yearly';
  /** 1–7 from Monday, 1–31, or MMDD. */
  renewal_day: number;
  alert_days_before: number | number[];
  amount: Decimal | null;
  currency: string;
  time_zone: string;
  last_renewed_date: string | null;
  end_date: string | null;
  notes: string;
  enabled: boolean;
  status: 'paused' | 'ended' | 'renewed' | 'due' | 'upcoming';
  days_until_renewal: number | null;
  next_renewal_date: string | null;
  next_reminder_date: string | null;
  already_renewed: boolean;
  need_alert: boolean;
  next_check_at: Time | null;
  last_checked_at: Time | null;
}

export interface Renewal {
  date: string;
  subscription_id: number;
  name: string;
  owner_project: string;
  cycle_type: string;
  amount: Decimal | null;
  currency: string;
  renewed: boolean;
}

export interface Calendar {
  from: string;
  to: string;
  totals: Record<string, Decimal>;
  renewals: Renewal[];
}

export interface Mailbox {
  id: number;
  name: string;
  host: string;
  port: number;
  tls: 'tls' | 'starttls' | 'none';
  auth: string;
  username: string;
  has_secret: boolean;
  folder: string;
  words: string[] | null;
  allow_private: boolean;
  interval_seconds: number;
  enabled: boolean;
  readable: boolean | null;
  last_scan_at: Time | null;
  last_good_at: Time | null;
  last_error: string | null;
  next_scan_at: Time | null;
  scanned: number;
  hits: number;
}

export interface MailHit {
  id: number;
  message_id: string;
  received_at: Time | null;
  found_at: Time;
  sender: string;
  subject: string;
  service: string;
  amount: Decimal | null;
  currency: string | null;
  words: string[];
  alerted: boolean;
}

// System
export interface Part {
  ok: boolean;
  detail: string;
}

export interface SystemStatus {
  status: 'ok' | 'degraded' | 'down';
  time: Time;
  version: string;
  mode: 'live' | 'demo';
  parts: Record<string, Part>;
  uptime_seconds: number;
  connections: { active: number; idle: number };
  schedule_depth: number;
  outbox_depth: number;
  listeners: number;
}

export interface ScheduleTarget {
  ip_id: number;
  ip_name: string | null;
  next_due: Time;
  interval_seconds: number;
  running: boolean;
  failures: number;
  failing: boolean;
  last_attempt_at: Time | null;
  last_success_at: Time | null;
  last_error: string | null;
  last_error_class: string | null;
}

export interface Schedule {
  time: Time;
  active: number;
  paused: number;
  failing: number;
  due: number;
  last_crawled_at: Time | null;
  next_due: Time | null;
  targets: ScheduleTarget[];
  count: number;
}

export interface UpstreamState {
  name: string;
  state: 'closed' | 'open' | 'half_open';
  rate: number | null;
  failures: number;
  open_until: Time | null;
  latency_p50_ms: number | null;
  latency_p95_ms: number | null;
  requests: number | null;
  errors: number | null;
}

export interface WorkerState {
  name: string;
  role: string;
  running: number;
  capacity: number | null;
  lag_seconds: number | null;
  seen_at: Time | null;
}

export interface AuditEntry {
  id?: number;
  at: Time;
  actor: string;
  action: string;
  subject: string;
}
