//! Old rows go in small batches, each its own transaction, so that no crawl waits long for the writer.

use crate::options::RetentionOptions;
use model::Timestamp;
use store::{Store, StoreError, Value, args};

/// Deletes what is older than it is kept. Answers how many rows went.
pub async fn sweep(store: &Store, options: &RetentionOptions, now: Timestamp) -> Result<u64, StoreError> {
    let mut gone = delete(
        store,
        "DELETE FROM hours WHERE hour < ? AND hour <= (SELECT MAX(h) FROM (SELECT hour AS h FROM hours \
         WHERE hour < ? ORDER BY hour LIMIT ?) AS oldest)",
        |batch| args![now - options.hourly, now - options.hourly, batch],
        options.batch,
    )
    .await?;
    let ips = store.query("SELECT id FROM ips ORDER BY id", args![]).await?;
    for ip in &ips {
        let ip_id = ip.int(0)?;
        for status in ["on_sale", "sold", "deleted"] {
            gone += delete(
                store,
                "DELETE FROM items WHERE id IN (SELECT id FROM (SELECT id FROM items WHERE ip_id = ? AND status = ? \
                 AND last_seen_at < ? ORDER BY last_seen_at LIMIT ?) AS oldest)",
                |batch| args![ip_id, status, now - options.items, batch],
                options.batch,
            )
            .await?;
        }
        gone += delete(
            store,
            "DELETE FROM sales WHERE id IN (SELECT id FROM (SELECT id FROM sales WHERE ip_id = ? AND sold_at < ? \
             ORDER BY sold_at LIMIT ?) AS oldest)",
            |batch| args![ip_id, now - options.sales, batch],
            options.batch,
        )
        .await?;
    }
    Ok(gone)
}

async fn delete(store: &Store, sql: &str, values: impl Fn(u32) -> Vec<Value>, batch: u32) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut tx = store.begin().await?;
        let n = tx.exec(sql, values(batch)).await?;
        tx.commit().await?;
        gone += n;
        if n == 0 {
            return Ok(gone);
        }
    }
}
