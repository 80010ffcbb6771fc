CREATE TABLE IF NOT EXISTS channels (
  id @ID@,
  name VARCHAR(191) NOT NULL,
  kind VARCHAR(32) NOT NULL,
  config @TEXT@ NOT NULL,
  allow_private BIGINT NOT NULL,
  severity_floor VARCHAR(16) NOT NULL,
  language VARCHAR(8) NOT NULL,
  quiet VARCHAR(96),
  per_second BIGINT,
  per_minute BIGINT,
  gather_ms BIGINT,
  enabled BIGINT NOT NULL,
  origin VARCHAR(16) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  lease_token VARCHAR(64),
  lease_until BIGINT NOT NULL,
  paused_until BIGINT NOT NULL,
  recent @TEXT@ NOT NULL
) @TABLE@;
CREATE UNIQUE INDEX @INE@ channels_name ON channels (name);

CREATE TABLE IF NOT EXISTS deliveries (
  id @ID@,
  outbox_id BIGINT NOT NULL,
  channel_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  last_attempt_at BIGINT,
  sent_at BIGINT,
  last_error @TEXT@
) @TABLE@;
CREATE UNIQUE INDEX @INE@ deliveries_once ON deliveries (outbox_id, channel_id);
CREATE INDEX @INE@ deliveries_due ON deliveries (state, channel_id, next_attempt_at);
CREATE INDEX @INE@ deliveries_channel ON deliveries (channel_id, id);

CREATE INDEX @INE@ outbox_alert ON outbox (alert_id);
