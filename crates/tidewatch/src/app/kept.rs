//! The IPs that the configuration keeps.

use anyhow::{Context, bail};
use market::ScheduleOptions;
use market::import::{Entry, ImportOptions, import};
use market::store::{IpPatch, find_ip_by_name};
use model::Timestamp;
use settings::IpSettings;
use store::Store;

/// Adds the IPs that are missing and changes what the configuration says otherwise. What it leaves empty stays as
/// people set it, and so does the weight of an IP that is there: it has adapted to the IP's market since.
pub async fn keep(store: &Store, ips: &[IpSettings], schedule: &ScheduleOptions, now: Timestamp) -> anyhow::Result<()> {
    if ips.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::with_capacity(ips.len());
    let mut tx = store.begin().await?;
    for ip in ips {
        let known = find_ip_by_name(&mut tx, &ip.name).await.context("reading the IPs")?.is_some();
        entries.push(Ok(entry(ip, known)));
    }
    drop(tx);
    let options = ImportOptions { upsert: true, schedule, now, actor: "configuration" };
    let report = import(store, entries, &options).await;
    if let Some(failed) = report.details.iter().find(|detail| detail.status == "failed") {
        let (name, error) = (failed.name.as_deref().unwrap_or("?"), failed.error.as_deref().unwrap_or("?"));
        bail!("market.ips: {} not kept, the first is {name:?}: {error}", report.failed);
    }
    if report.created + report.updated > 0 {
        tracing::info!(created = report.created, updated = report.updated, "IPs of the configuration");
    }
    Ok(())
}

fn entry(ip: &IpSettings, known: bool) -> Entry {
    let said = |text: &String| (!text.is_empty()).then(|| text.clone());
    let patch = IpPatch {
        name: Some(ip.name.clone()),
        name_en: said(&ip.name_en),
        name_cn: said(&ip.name_cn),
        category: said(&ip.category),
        tags: (!ip.tags.is_empty()).then(|| ip.tags.clone()),
        image_url: said(&ip.image_url),
        external_id: said(&ip.external_id),
        notes: said(&ip.notes),
        weight: (!known).then_some(ip.weight),
        ..IpPatch::default()
    };
    Entry { name: ip.name.clone(), patch }
}
