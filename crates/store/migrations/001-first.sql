CREATE TABLE IF NOT EXISTS meta (
  name VARCHAR(191) NOT NULL PRIMARY KEY,
  value @TEXT@ NOT NULL
) @TABLE@;

CREATE TABLE IF NOT EXISTS targets (
  id @ID@,
  kind VARCHAR(16) NOT NULL,
  ref_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  next_due BIGINT NOT NULL,
  claimable_at BIGINT NOT NULL,
  lease_token VARCHAR(64),
  lease_until BIGINT,
  interval_ms BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  last_task VARCHAR(96),
  last_attempt_at BIGINT,
  last_success_at BIGINT,
  last_error @TEXT@,
  last_error_class VARCHAR(16)
) @TABLE@;
CREATE UNIQUE INDEX @INE@ targets_ref ON targets (kind, ref_id);
CREATE INDEX @INE@ targets_claim ON targets (state, kind, claimable_at, id);

CREATE TABLE IF NOT EXISTS alerts (
  id @ID@,
  kind VARCHAR(16) NOT NULL,
  ref_id BIGINT NOT NULL,
  alert_type VARCHAR(64) NOT NULL,
  alert_window VARCHAR(64) NOT NULL,
  open_key VARCHAR(191),
  severity VARCHAR(16) NOT NULL,
  status VARCHAR(16) NOT NULL,
  failures BIGINT NOT NULL,
  successes BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  told_at BIGINT,
  snoozed_until BIGINT,
  resolved_at BIGINT,
  acked_at BIGINT,
  acked_by VARCHAR(191),
  title @TEXT@ NOT NULL,
  message @TEXT@ NOT NULL,
  value @REAL@
) @TABLE@;
CREATE UNIQUE INDEX @INE@ alerts_open ON alerts (open_key);
CREATE INDEX @INE@ alerts_ref ON alerts (kind, ref_id, id);

CREATE TABLE IF NOT EXISTS outbox (
  id @ID@,
  dedup VARCHAR(191) NOT NULL,
  alert_id BIGINT NOT NULL,
  notice VARCHAR(16) NOT NULL,
  severity VARCHAR(16) NOT NULL,
  title @TEXT@ NOT NULL,
  message @TEXT@ NOT NULL,
  state VARCHAR(16) NOT NULL,
  attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  last_error @TEXT@
) @TABLE@;
CREATE UNIQUE INDEX @INE@ outbox_dedup ON outbox (dedup);
CREATE INDEX @INE@ outbox_due ON outbox (state, next_attempt_at, id);

CREATE TABLE IF NOT EXISTS audit (
  id @ID@,
  at BIGINT NOT NULL,
  actor VARCHAR(191) NOT NULL,
  action VARCHAR(64) NOT NULL,
  subject VARCHAR(191) NOT NULL
) @TABLE@;
