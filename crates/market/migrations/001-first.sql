CREATE TABLE IF NOT EXISTS ips (
  id @ID@,
  name VARCHAR(191) NOT NULL,
  name_en @TEXT@ NOT NULL,
  name_cn @TEXT@ NOT NULL,
  category VARCHAR(64) NOT NULL,
  tags @TEXT@ NOT NULL,
  image_url @TEXT@ NOT NULL,
  external_id VARCHAR(191) NOT NULL,
  notes @TEXT@ NOT NULL,
  weight @REAL@ NOT NULL,
  status VARCHAR(16) NOT NULL,
  thresholds @TEXT@ NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  tracking_since BIGINT,
  crawled_at BIGINT,
  covered_until BIGINT,
  rolled_until BIGINT,
  on_sale_total BIGINT,
  sold_total BIGINT
) @TABLE@;
CREATE UNIQUE INDEX @INE@ ips_name ON ips (name);
CREATE INDEX @INE@ ips_status ON ips (status, id);

CREATE TABLE IF NOT EXISTS items (
  id @ID@,
  ip_id BIGINT NOT NULL,
  source_id VARCHAR(64) NOT NULL,
  title @TEXT@ NOT NULL,
  price BIGINT,
  status VARCHAR(8) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  image_url @TEXT@,
  item_url @TEXT@ NOT NULL,
  first_seen_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  listed_at BIGINT,
  sold_at BIGINT,
  price_changed BIGINT NOT NULL
) @TABLE@;
CREATE UNIQUE INDEX @INE@ items_source ON items (ip_id, source_id);
CREATE INDEX @INE@ items_seen ON items (ip_id, status, last_seen_at);

CREATE TABLE IF NOT EXISTS sales (
  id @ID@,
  ip_id BIGINT NOT NULL,
  sold_at BIGINT NOT NULL,
  source_id VARCHAR(64) NOT NULL,
  title @TEXT@ NOT NULL,
  price BIGINT,
  shops BIGINT NOT NULL,
  item_url @TEXT@ NOT NULL,
  image_url @TEXT@
) @TABLE@;
CREATE INDEX @INE@ sales_time ON sales (ip_id, sold_at);

CREATE TABLE IF NOT EXISTS hours (
  ip_id BIGINT NOT NULL,
  hour BIGINT NOT NULL,
  inflow BIGINT NOT NULL,
  outflow BIGINT NOT NULL,
  shops_inflow BIGINT NOT NULL,
  shops_outflow BIGINT NOT NULL,
  inflow_gaps BIGINT NOT NULL,
  outflow_gaps BIGINT NOT NULL,
  active_count BIGINT,
  samples BIGINT NOT NULL,
  mean_price @REAL@,
  median_price @REAL@,
  min_price BIGINT,
  max_price BIGINT,
  price_stddev @REAL@,
  min_item @TEXT@,
  max_item @TEXT@,
  PRIMARY KEY (ip_id, hour)
) @TABLE@;
CREATE INDEX @INE@ hours_hour ON hours (hour, ip_id);

CREATE TABLE IF NOT EXISTS rollups (
  ip_id BIGINT NOT NULL,
  period VARCHAR(8) NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  inflow BIGINT NOT NULL,
  outflow BIGINT NOT NULL,
  shops_inflow BIGINT NOT NULL,
  shops_outflow BIGINT NOT NULL,
  hours BIGINT NOT NULL,
  inflow_gaps BIGINT NOT NULL,
  outflow_gaps BIGINT NOT NULL,
  active_count BIGINT,
  samples BIGINT NOT NULL,
  mean_price @REAL@,
  median_price @REAL@,
  min_price BIGINT,
  max_price BIGINT,
  price_stddev @REAL@,
  min_item @TEXT@,
  max_item @TEXT@,
  PRIMARY KEY (ip_id, period, starts_at)
) @TABLE@
