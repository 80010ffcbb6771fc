CREATE TABLE IF NOT EXISTS sessions (
  id_hash VARCHAR(64) NOT NULL PRIMARY KEY,
  principal VARCHAR(191) NOT NULL,
  proof VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) @TABLE@;
CREATE INDEX @INE@ sessions_expiry ON sessions (expires_at);
