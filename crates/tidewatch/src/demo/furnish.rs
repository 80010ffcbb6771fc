//! What a demo's operator would have done by hand: a pool of keys and some renewals.

use super::providers::Providers;
use accounts::AccountOptions;
use accounts::keys::{Import, ImportOptions};
use anyhow::Context;
use engine::Engine;
use model::Timestamp;
use reminders::Zone;
use reminders::ahead::Ahead;
use reminders::cycle::Cycle;
use reminders::standing::Terms;
use reminders::store::{SubscriptionDraft, add_subscription};
use rust_decimal::Decimal;
use store::Keyring;

/// Takes the keys of the simulated pool in. Those that are there already stay.
pub async fn keys(
    engine: &Engine,
    keyring: &Keyring,
    providers: &Providers,
    options: &AccountOptions,
) -> anyhow::Result<u64> {
    let options = ImportOptions {
        provider: "factory".into(),
        amount: "tokens".into(),
        tags: vec!["simulated".into()],
        params: Default::default(),
        interval: options.key_interval,
        now: engine.clock.now(),
        actor: "demo".into(),
    };
    let mut import = Import::new(&engine.store, keyring, options);
    for (n, key) in providers.keys().enumerate() {
        import.push(format!("simulated {n:04},{key}\n").as_bytes()).await?;
    }
    Ok(import.finish().await?.success)
}

/// Adds some renewals, unless there are any.
pub async fn renewals(engine: &Engine, now: Timestamp) -> anyhow::Result<()> {
    if !reminders::store::list_subscriptions(&engine.store).await?.is_empty() {
        return Ok(());
    }
    let mut tx = engine.store.begin().await?;
    for (name, project, cycle, amount, currency) in [
        ("Vercel Pro (simulated)", "web", Cycle::Monthly(28), Decimal::from(20), "USD"),
        ("GitHub Team (simulated)", "infra", Cycle::Monthly(23), Decimal::from(48), "USD"),
        ("tidewatch.example domain (simulated)", "web", Cycle::Yearly(11, 29), Decimal::from(1480), "JPY"),
        ("Newsletter (simulated)", "marketing", Cycle::Weekly(1), Decimal::new(990, 2), "EUR"),
        ("Aliyun ECS (simulated)", "infra", Cycle::Monthly(31), Decimal::from(612), "CNY"),
    ] {
        let draft = SubscriptionDraft {
            name: name.to_owned(),
            project: project.to_owned(),
            terms: Terms { cycle, ahead: Ahead::default(), last_renewed: None, end: None },
            amount: Some(amount),
            currency: currency.to_owned(),
            zone: Zone::jst(),
            notes: String::new(),
            enabled: true,
        };
        add_subscription(&mut tx, &draft, now).await.context("a renewal")?;
    }
    Ok(tx.commit().await?)
}
