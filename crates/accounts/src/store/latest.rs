//! What the last look gave, in the account's own row. A look without numbers leaves the last good ones as they are.

use super::accounts::{Account, to_json};
use crate::forecast::Forecast;
use crate::reading::{Reading, ReadingStatus};
use model::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use store::{StoreError, Tx, args};

/// Writes a good reading. `run_at` is the first look that gave these numbers.
pub async fn write_good(
    tx: &mut Tx,
    account: &Account,
    reading: &Reading,
    forecast: Option<&Forecast>,
    (at, run_at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let real = |amount: Option<rust_decimal::Decimal>| amount.and_then(|a| a.to_f64());
    let org = reading.org.clone().or_else(|| account.org.clone());
    tx.exec(
        "UPDATE accounts SET checked_at = ?, status = ?, error = ?, good_at = ?, run_at = ?, reading = ?, \
         remaining = ?, total = ?, used_ratio = ?, expires_at = ?, org = ?, days_left = ?, forecast = ? WHERE id = ?",
        args![
            at,
            reading.status.as_str(),
            reading.note.clone(),
            at,
            run_at,
            to_json(reading)?,
            real(reading.remaining),
            real(reading.total),
            real(reading.used_ratio),
            reading.expires_at,
            org,
            forecast.and_then(|f| f.days_left),
            forecast.map(to_json).transpose()?,
            account.id,
        ],
    )
    .await?;
    Ok(())
}

/// Writes that a look gave no numbers, and why.
pub async fn write_failed(
    tx: &mut Tx,
    id: i64,
    status: ReadingStatus,
    why: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "UPDATE accounts SET checked_at = ?, status = ?, error = ? WHERE id = ?",
        args![at, status.as_str(), why, id],
    )
    .await?;
    Ok(())
}
