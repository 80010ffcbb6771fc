//! No alert lost or doubled, in short: `make alarms` is the long form.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use servers::MariaDb;
use std::path::PathBuf;
use std::time::Duration;
use testkit::alarms::{Plan, drill};

fn plan() -> Plan {
    Plan {
        program: PathBuf::from(env!("CARGO_BIN_EXE_alarms")),
        database: String::new(),
        processes: 1,
        accounts: 12,
        kills: 10,
        calm: Duration::from_secs(2),
        attempts: 20,
        speed: 60.0,
        seed: 7,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_tells_every_alert_and_none_twice() {
    let outcome = drill(&plan()).await.unwrap();
    assert_eq!(outcome.faults(), Vec::<String>::new(), "{outcome:?}");
    assert!(outcome.kills >= 10);
    assert!(outcome.told.notices >= 12 && outcome.told.failed > 0, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_database_tell_every_alert_once() {
    let Some(server) = MariaDb::start() else { return };
    let plan = Plan { database: server.url(), processes: 2, kills: 4, calm: Duration::from_secs(10), ..plan() };
    let outcome = drill(&plan).await.unwrap();
    assert_eq!(outcome.faults(), Vec::<String>::new(), "{outcome:?}");
    assert!(outcome.told.notices >= 12, "{outcome:?}");
}
