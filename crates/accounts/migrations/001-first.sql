CREATE TABLE IF NOT EXISTS accounts (
  id @ID@,
  kind VARCHAR(16) NOT NULL,
  name VARCHAR(191) NOT NULL,
  name_key VARCHAR(191),
  provider VARCHAR(64) NOT NULL,
  owner_group VARCHAR(191) NOT NULL,
  tags @TEXT@ NOT NULL,
  amount VARCHAR(16) NOT NULL,
  secret @TEXT@,
  secret_hash VARCHAR(64),
  mask VARCHAR(64) NOT NULL,
  params @TEXT@ NOT NULL,
  thresholds @TEXT@ NOT NULL,
  interval_ms BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  origin VARCHAR(16) NOT NULL,
  org VARCHAR(191),
  job BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  checked_at BIGINT,
  status VARCHAR(16) NOT NULL,
  error @TEXT@,
  good_at BIGINT,
  run_at BIGINT,
  reading @TEXT@,
  remaining @REAL@,
  total @REAL@,
  used_ratio @REAL@,
  expires_at BIGINT,
  days_left @REAL@,
  forecast @TEXT@
) @TABLE@;
CREATE UNIQUE INDEX @INE@ accounts_name ON accounts (name_key);
CREATE UNIQUE INDEX @INE@ accounts_secret ON accounts (kind, secret_hash);
CREATE INDEX @INE@ accounts_by_id ON accounts (kind, id);
CREATE INDEX @INE@ accounts_by_name ON accounts (kind, name, id, mask);
CREATE INDEX @INE@ accounts_by_created ON accounts (kind, created_at, id);
CREATE INDEX @INE@ accounts_by_remaining ON accounts (kind, remaining, id);
CREATE INDEX @INE@ accounts_by_total ON accounts (kind, total, id);
CREATE INDEX @INE@ accounts_by_ratio ON accounts (kind, used_ratio, id);
CREATE INDEX @INE@ accounts_by_good ON accounts (kind, good_at, id);
CREATE INDEX @INE@ accounts_by_status ON accounts (kind, status, id);
CREATE INDEX @INE@ accounts_by_org ON accounts (kind, org, good_at);
CREATE INDEX @INE@ accounts_by_job ON accounts (job, checked_at);

CREATE TABLE IF NOT EXISTS readings (
  account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  seen_until BIGINT NOT NULL,
  grain BIGINT NOT NULL,
  remaining VARCHAR(64),
  total VARCHAR(64),
  unit VARCHAR(32),
  level @REAL@,
  low @REAL@,
  high @REAL@,
  used_ratio @REAL@,
  burned @REAL@ NOT NULL,
  added @REAL@ NOT NULL,
  looks BIGINT NOT NULL,
  PRIMARY KEY (account, at)
) @TABLE@;
CREATE INDEX @INE@ readings_thin ON readings (grain, at);

CREATE TABLE IF NOT EXISTS refreshes (
  id @ID@,
  kind VARCHAR(16) NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT,
  total BIGINT NOT NULL,
  started_by VARCHAR(191) NOT NULL
) @TABLE@;
