//! Old rows go in small batches, each its own transaction, so that no crawl waits long for the writer.

use crate::options::RetentionOptions;
use model::Timestamp;
use store::{Store, StoreError, Value, args, list};

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
        let before = now - options.items;
        for status in ["on_sale", "sold", "deleted"] {
            let oldest = "SELECT id FROM items WHERE ip_id = ? AND status = ? AND last_seen_at < ? \
                 ORDER BY last_seen_at LIMIT ?";
            // One that is seen again meanwhile stays.
            let delete = "DELETE FROM items WHERE last_seen_at < ? AND id IN (@LIST@)";
            gone += delete_oldest(store, oldest, args![ip_id, status, before, options.batch], delete, before).await?;
        }
        let before = now - options.sales;
        let oldest = "SELECT id FROM sales WHERE ip_id = ? AND sold_at < ? ORDER BY sold_at LIMIT ?";
        let delete = "DELETE FROM sales WHERE sold_at < ? AND id IN (@LIST@)";
        gone += delete_oldest(store, oldest, args![ip_id, before, options.batch], delete, before).await?;
    }
    Ok(gone)
}

/// Deletes by number: MariaDB reads the whole table to delete what a subquery names.
async fn delete_oldest(
    store: &Store,
    oldest: &str,
    of: Vec<Value>,
    delete: &str,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let rows = store.query(oldest, of.clone()).await?;
        if rows.is_empty() {
            return Ok(gone);
        }
        let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = store.begin().await?;
        gone += tx.exec_listed(delete, args![before], list(&ids)).await?;
        tx.commit().await?;
    }
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
