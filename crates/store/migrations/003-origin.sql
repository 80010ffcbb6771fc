ALTER TABLE outbox @COLUMN@ traceparent VARCHAR(64);
