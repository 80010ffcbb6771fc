/** The shapes of the JSON API under the names of this page. `null` is "not known", never zero; amounts are decimal strings. */
import type { Schemas } from './routes';

export type Role = Schemas['Session']['role'];
export type Feature = keyof Schemas['Features'];
/** RFC 3339 with an offset. */
export type Time = string;
/** A decimal number as text, so that no digit is lost. */
export type Decimal = string;
export type Severity = Schemas['Severity'];
export type Session = Schemas['Session'];

export interface Page<T> {
  data: T[];
  total: number;
  page: number;
  page_size: number;
}

// Market
export type Ranking = Schemas['Ranking'];
export type Ranked = Schemas['LeaderboardRow'];
export type Leaderboard = Schemas['Leaderboard'];
export type IpThresholds = Schemas['IpThresholds'];
export type Ip = Schemas['Ip'];
export type Liquidity = Schemas['Liquidity'];
export type SaleItem = Schemas['SaleItem'];
export type HourStats = Schemas['Hour'];
export type PeriodStats = Schemas['RollUp'];
export type Item = Schemas['Item'];
export type ImportReport = Schemas['IpImportReport'];

// Accounts and keys
export type QuotaWindow = Schemas['AllowanceWindow'];
export type Confidence = Schemas['ForecastConfidence'];
export type Forecast = Schemas['Forecast'];
export type Threshold = Schemas['Threshold'];
export type Account = Schemas['Account'];
export type AccountsSummary = Schemas['AccountSummary'];
export type ReadingPoint = Schemas['ReadingStretch'];
export type Readings = Schemas['ReadingSeries'];
export type Refresh = Schemas['Refresh'];
export type ProviderParam = Schemas['ProviderParam'];
export type Provider = Schemas['Provider'];
export type Key = Schemas['Key'];
export type KeysSummary = Schemas['KeySummary'];
export type KeyImport = Schemas['KeyImportReport'];
/** A filter of keys as the address and the fields hold it: all text. */
export type KeyFilter = Partial<Record<keyof Schemas['KeyFilter'], string>>;
export type Selection = Schemas['KeyChoice'];

// Alerts and channels
export type AlertStatus = Schemas['AlertStatus'];
export type Alert = Schemas['Alert'];
export type AlertNotice = Schemas['AlertNotice'];
export type AlertExplained = Schemas['AlertExplained'];
export type AlertsSummary = Schemas['AlertSummary'];
export type Delivery = Schemas['Delivery'];
export type FieldKind = Schemas['ChannelFormFieldKind'];
export type FormField = Schemas['ChannelFormField'];
export type ChannelForm = Schemas['ChannelForm'];
export type Channel = Schemas['Channel'];
export type ChannelTrial = Schemas['ChannelTrial'];

// Reminders
export type Subscription = Schemas['Subscription'];
export type Renewal = Schemas['CalendarRenewal'];
export type Calendar = Schemas['Calendar'];
export type Mailbox = Schemas['Mailbox'];
export type MailHit = Schemas['MailboxHit'];

// System
export type Part = Schemas['HealthPart'];
export type SystemStatus = Schemas['SystemStatus'];
export type ScheduleTarget = Schemas['ScheduleTarget'];
export type Schedule = Schemas['Schedule'];
export type UpstreamState = Schemas['Upstream'];
export type Worker = Schemas['Worker'];
export type DeadLetter = Schemas['DeadLetter'];
export type AuditEntry = Schemas['AuditEntry'];
