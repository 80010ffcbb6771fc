//! What happens between crawls: roll-ups of days that are complete, price alerts over them, IPs gone silent.

use crate::judge;
use crate::options::MarketOptions;
use crate::store as rows;
use crate::store::Ip;
use crate::watch::MarketWatch;
use model::{Condition, Period, Timestamp, WatchKind, next_period};
use store::{AlertKey, Store, StoreError, Tx};

const DAY: i64 = 24 * model::HOUR;

/// Rolls up every day that is complete, and the week and month that end with it; one transaction a day.
pub async fn roll_up_all(store: &Store, options: &MarketOptions, now: Timestamp) -> Result<(), StoreError> {
    for (ip_id, mut day, covered) in rows::due_for_rollup(store).await? {
        while day.plus(DAY) <= covered {
            let mut tx = store.begin().await?;
            roll_up_day(&mut tx, ip_id, day).await?;
            judge_day(&mut tx, ip_id, day, options, now).await?;
            day = day.plus(DAY);
            rows::set_rolled(&mut tx, ip_id, day).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn roll_up_day(tx: &mut Tx, ip_id: i64, day: Timestamp) -> Result<(), StoreError> {
    rows::roll_up(tx, ip_id, Period::Daily, day).await?;
    let tomorrow = next_period(Period::Daily, day);
    for period in [Period::Weekly, Period::Monthly] {
        let start = period.start_of(day);
        if next_period(period, start) == tomorrow {
            rows::roll_up(tx, ip_id, period, start).await?;
        }
    }
    Ok(())
}

/// The day's median against the seven days before, once the day is over.
async fn judge_day(
    tx: &mut Tx,
    ip_id: i64,
    day: Timestamp,
    options: &MarketOptions,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A day rolled up again long after is no news.
    if now.since(day).as_millis() > 3 * DAY as u128 {
        return Ok(());
    }
    let Some(ip) = Ip::load(tx, ip_id).await? else { return Ok(()) };
    let today = rows::prices_between(tx, ip_id, day, day.plus(DAY)).await?;
    let week = rows::prices_between(tx, ip_id, day.plus(-7 * DAY), day).await?;
    let finding = judge::judge_prices(&ip.name, &today, &week, &crate::thresholds::of(&ip, &options.alerts));
    let key = AlertKey { kind: WatchKind::Market, ref_id: ip_id, alert_type: finding.alert_type, window: "" };
    store::step_alert(tx, &key, finding.condition, &finding.wording, &options.alerts.policy, now).await?;
    Ok(())
}

/// Raises `stale` for IPs whose crawls do not even fail (nothing claims them, a worker hangs).
pub async fn find_stale(watch: &MarketWatch, store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let intervals = watch.options().alerts.stale_intervals;
    for target in store::silent(store, WatchKind::Market, intervals, now).await? {
        let mut tx = store.begin().await?;
        if let Some(ip) = Ip::load(&mut tx, target.ref_id).await? {
            let error = target.last_error.unwrap_or_default();
            let finding = watch.silence(&ip, target.interval, &error, now);
            if finding.condition == Condition::Bad {
                watch.tell(&mut tx, &ip, &[finding], now).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}
