//! Runs the simulated upstream as a process of its own.

use sim::faults::Faults;
use sim::{MarketConfig, SimConfig, SimServer, profiles};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

const USAGE: &str = "sim [--listen 127.0.0.1:0] [--seed 1] [--profiles well-known|spread:N] [--start-ms EPOCH_MS]
    [--speed 1.0] [--page-drift-ms 0] [--replay DIR] [--faults SPEC] [--no-control] [--no-dpop] [--shape 2022|2024|2026]
    [--page asks|older|newer]
SPEC: latency=20+10,seed=3,429:next=2,503:p=0.1,blocked:every=50; also 429date 401 cut cut-chunked malformed drip stall
no-browser challenge hung-page";

/// 2026-09-01T00:00:00+09:00, unless --start-ms says otherwise.
const START_MS: i64 = 1_788_188_400_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(config) = read_args(std::env::args().skip(1))? else {
        println!("{USAGE}");
        return Ok(());
    };
    let sim = SimServer::start(config).await?;
    println!("listening on {}", sim.addr());
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

fn read_args(args: impl Iterator<Item = String>) -> Result<Option<SimConfig>, Box<dyn Error>> {
    let (mut start_ms, mut speed) = (START_MS, 1.0_f64);
    let mut market = MarketConfig::new(1, profiles::well_known(), START_MS);
    let mut config = SimConfig::new(MarketConfig::new(1, Vec::new(), START_MS), Arc::new(|| START_MS));
    let mut args = args;
    while let Some(name) = args.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--no-control" => config.control = false,
            "--no-dpop" => config.verify_dpop = false,
            _ => {
                let value = args.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
                match name.as_str() {
                    "--listen" => config.listen = value.parse()?,
                    "--seed" => market.seed = value.parse()?,
                    "--profiles" => market.profiles = read_profiles(&value)?,
                    "--start-ms" => start_ms = value.parse()?,
                    "--speed" => speed = value.parse()?,
                    "--page-drift-ms" => market.quirks.page_drift_ms = value.parse()?,
                    "--replay" => config.replay = Some(value.into()),
                    "--faults" => config.faults = value.parse::<Faults>()?,
                    "--page" => config.page = serde_json::from_value(value.into())?,
                    "--shape" => config.shape = serde_json::from_value(value.into())?,
                    _ => return Err(format!("unknown option {name}\n{USAGE}").into()),
                }
            }
        }
    }
    market.start_ms = start_ms;
    let begun = Instant::now();
    config.clock = Arc::new(move || start_ms + (begun.elapsed().as_secs_f64() * 1000.0 * speed) as i64);
    config.market = Arc::new(sim::Market::new(market));
    Ok(Some(config))
}

fn read_profiles(text: &str) -> Result<Vec<sim::Profile>, Box<dyn Error>> {
    match text.split_once(':') {
        None if text == "well-known" => Ok(profiles::well_known()),
        Some(("spread", n)) => Ok(profiles::spread(n.parse()?)),
        _ => Err(format!("unknown profiles {text}\n{USAGE}").into()),
    }
}
