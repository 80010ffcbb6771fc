//! `tidewatch check` of 10, 100 and 1,000 balances at 0, 100 and 300 ms.

use crate::program::{command, measure, place};
use crate::{Failure, PROVIDER, delay, providers, secret};
use serde_json::{Value, json};
use std::path::Path;
use testkit::Figures;

/// What the replaced system took for 1,000 accounts over plain HTTP, at 20 and at 50 threads (facts/limits.md), in s.
const REPLACED: [(u64, u32, f64); 4] = [(100, 20, 5.5), (100, 50, 2.3), (300, 20, 15.3), (300, 50, 6.3)];

fn configuration(origin: &str, accounts: u64, width: u32) -> Value {
    let list: Vec<Value> = (0..accounts)
        .map(
            |n| json!({"name": format!("account {n}"), "provider": PROVIDER, "secret": secret(n), "thresholds": ["5"]}),
        )
        .collect();
    json!({
        "market": {"enabled": false},
        "accounts": {
            "base_urls": [format!("{PROVIDER}: {origin}")], "allow_private": true, "max_concurrent_checks": width,
            // What the provider itself would allow is not what is measured here.
            "rates": [format!("{PROVIDER}: 100000")], "list": list,
        },
    })
}

/// Wall time, processor time and memory of each.
pub(crate) async fn run(program: &Path, figures: &mut Figures) -> Result<(), Failure> {
    let running = providers(1000, 0).await?;
    for accounts in [10, 100, 1000] {
        for latency in [0, 100, 300] {
            delay(&running, latency);
            for width in [20, 50] {
                if accounts < 1000 && width == 50 {
                    continue;
                }
                let dir = place(&configuration(&running.origin(PROVIDER), accounts, width))?;
                // The first run makes the database and the accounts; what people run every hour is the second.
                for (run, named) in [(1, "first"), (2, "again")] {
                    let path = dir.path().to_owned();
                    let program = program.to_owned();
                    let ran =
                        tokio::task::spawn_blocking(move || measure(command(&program, &path, &["check", "--json"])));
                    let ran = ran.await??;
                    if run == 1 && accounts < 1000 {
                        continue;
                    }
                    let floor = accounts.div_ceil(u64::from(width)) as f64 * latency as f64 / 1000.0;
                    let replaced = REPLACED.iter().find(|(l, w, _)| (*l, *w) == (latency, width) && accounts == 1000);
                    let replaced = replaced.map(|(.., s)| format!(", replaced system {s} s")).unwrap_or_default();
                    let what = format!("check {accounts} at {latency} ms, {width} at once, {named}");
                    let compared =
                        format!("s; floor {floor:.1} s{replaced}; {:.2} CPU s, {:.0} MB", ran.cpu, ran.peak_mb);
                    figures.add(&what, ran.wall.as_secs_f64(), "s", &compared);
                }
            }
        }
    }
    Ok(())
}
