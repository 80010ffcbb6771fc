CREATE TABLE IF NOT EXISTS subscriptions (
  id @ID@,
  name VARCHAR(191) NOT NULL,
  live_name VARCHAR(191),
  project VARCHAR(191) NOT NULL,
  cycle VARCHAR(16) NOT NULL,
  renewal_day BIGINT NOT NULL,
  ahead VARCHAR(191) NOT NULL,
  amount VARCHAR(64),
  currency VARCHAR(16) NOT NULL,
  zone VARCHAR(64) NOT NULL,
  last_renewed VARCHAR(16),
  end_date VARCHAR(16),
  notes @TEXT@ NOT NULL,
  state VARCHAR(16) NOT NULL,
  told_for VARCHAR(16),
  told_ahead BIGINT,
  checked_at BIGINT,
  touched BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) @TABLE@;
CREATE UNIQUE INDEX @INE@ subscriptions_name ON subscriptions (live_name);
CREATE INDEX @INE@ subscriptions_state ON subscriptions (state, name);

CREATE TABLE IF NOT EXISTS mailboxes (
  id @ID@,
  name VARCHAR(191) NOT NULL,
  live_name VARCHAR(191),
  host VARCHAR(255) NOT NULL,
  port BIGINT NOT NULL,
  tls VARCHAR(16) NOT NULL,
  auth VARCHAR(16) NOT NULL,
  username VARCHAR(255) NOT NULL,
  secret @TEXT@ NOT NULL,
  folder VARCHAR(255) NOT NULL,
  words @TEXT@,
  allow_private BIGINT NOT NULL,
  interval_ms BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  version BIGINT NOT NULL,
  uidvalidity BIGINT,
  last_uid BIGINT,
  scans BIGINT NOT NULL,
  failed_scans BIGINT NOT NULL,
  scanned BIGINT NOT NULL,
  hits BIGINT NOT NULL,
  last_scan_at BIGINT,
  last_good_at BIGINT,
  last_took_ms BIGINT,
  last_error @TEXT@,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) @TABLE@;
CREATE UNIQUE INDEX @INE@ mailboxes_name ON mailboxes (live_name);

CREATE TABLE IF NOT EXISTS mail_hits (
  id @ID@,
  mailbox_id BIGINT NOT NULL,
  message_hash VARCHAR(64) NOT NULL,
  message_id @TEXT@ NOT NULL,
  uid BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  found_at BIGINT NOT NULL,
  sender @TEXT@ NOT NULL,
  subject @TEXT@ NOT NULL,
  service VARCHAR(191) NOT NULL,
  amount VARCHAR(64),
  currency VARCHAR(16),
  words @TEXT@ NOT NULL,
  alerted BIGINT NOT NULL
) @TABLE@;
CREATE UNIQUE INDEX @INE@ mail_hits_once ON mail_hits (mailbox_id, message_hash);
CREATE INDEX @INE@ mail_hits_newest ON mail_hits (mailbox_id, received_at, id);
