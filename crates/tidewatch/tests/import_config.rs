//! balance-alert's config.json: what each entry is here, and what the command makes of a whole file.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use accounts::AccountOptions;
use accounts::draft::Stated;
use accounts::provider::Catalog;
use accounts::store::{AccountPatch, adopt, find_account_by_name, get_account, update_account};
use model::{TargetState, Timestamp};
use notify::Rules;
use product::{finished, tidewatch};
use reminders::store::{Tls, find_subscription, get_subscription, list_mailboxes, write_renewed};
use serde_json::{Value, json};
use servers::{MariaDb, Postgres};
use std::path::Path;
use store::{Keyring, OpenOptions, Store};
use tidewatch::app::database;
use tidewatch::moving::config_json::{Entry, Moved, Reading, is_one, read};
use tidewatch::moving::keep::{Place, Report, keep};
use tokio::process::Command;

/// 2026-02-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_769_904_000);

fn try_read(text: &str) -> Result<Moved, String> {
    let look_up = |name: &str| match name {
        "KEY" => Some("sk-of-a-variable".to_owned()),
        "LIMIT" => Some("12.5".to_owned()),
        "OFF" => Some("false".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let (subscriptions, mailboxes) = Default::default();
    read(text, &Reading { look_up: &look_up, subscriptions: &subscriptions, mailboxes: &mailboxes, now: NOW })
}

fn moved(file: &Value) -> Moved {
    try_read(&file.to_string()).unwrap()
}

fn one<T: Clone>(entries: &[Entry<T>]) -> Result<T, String> {
    assert_eq!(entries.len(), 1);
    entries[0].what.clone()
}

/// The entry with some fields changed; null takes one away.
fn with(entry: &Value, changes: &Value) -> Value {
    let mut entry = entry.clone();
    for (name, value) in changes.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

/// A project with some fields changed, as an account.
fn account(changes: Value) -> Result<Stated, String> {
    let project = json!({"name": "A", "provider": "openrouter", "api_key": "sk-1", "_comment": "${NONE}"});
    one(&moved(&json!({ "projects": [with(&project, &changes)] })).accounts)
}

#[test]
fn a_project_is_an_account() {
    for (there, here, params) in [
        ("openrouter", "openrouter", None),
        ("uniapi", "uniapi", None),
        ("wxrank", "wxrank", None),
        ("aliyun", "aliyun", None),
        (" Volc ", "volcengine", None),
        ("tikhub", "tikhub", Some(json!({"site": "china", "amount": "paid"}))),
        ("glm", "zai", Some(json!({"site": "bigmodel"}))),
    ] {
        let stated = account(json!({ "provider": there })).unwrap();
        assert_eq!(stated.provider.as_deref(), Some(here));
        assert_eq!(stated.params.map(|params| json!(params)), params, "{there}");
    }
    assert!(account(json!({"provider": "xai"})).err().unwrap().contains("grok.com"));

    for (changes, threshold) in [
        (json!({}), None),
        (json!({"threshold": null}), None),
        (json!({"threshold": 10000.0}), Some("remaining < 10000")),
        (json!({"threshold": 0.5}), Some("remaining < 0.5")),
        (json!({"threshold": 0}), Some("remaining < 0")),
        (json!({"threshold": "${LIMIT}"}), Some("remaining < 12.5")),
        (json!({"provider": "glm", "threshold": 20}), Some("remaining < 20 %")),
        (json!({"provider": "glm", "threshold": 0}), None),
    ] {
        let stated = account(changes.clone()).unwrap();
        assert_eq!(stated.thresholds, threshold.map(Value::from), "{changes}");
    }

    for (changes, state, group) in [
        (json!({}), TargetState::Active, None),
        (json!({"enabled": false, "owner_project": "AI"}), TargetState::Paused, Some("AI")),
        (json!({"enabled": "${OFF}", "project": "Old"}), TargetState::Paused, Some("Old")),
    ] {
        let stated = account(changes).unwrap();
        assert_eq!((stated.state, stated.group.as_deref()), (Some(state), group));
    }
}

#[test]
fn variables_are_put_in_and_what_is_wrong_is_named() {
    for (key, read) in [
        ("${KEY}", "sk-of-a-variable"),
        ("id:${KEY}", "id:sk-of-a-variable"),
        ("${NONE:-sk-2}", "sk-2"),
        ("${EMPTY:-sk-3}", "sk-3"),
        ("pa$$word$1", "pa$$word$1"),
        ("open${brace", "open${brace"),
    ] {
        let secret = account(json!({ "api_key": key })).unwrap().secret.unwrap();
        assert_eq!(secret.reveal(), read);
    }

    for (changes, error) in [
        (json!({"name": null}), "name is missing"),
        (json!({"provider": ""}), "provider is missing"),
        (json!({"api_key": null}), "api_key is missing"),
        (json!({"api_key": "${EMPTY}"}), "api_key is missing"),
        (json!({"api_key": "${NONE}"}), "api_key: ${NONE} is not set"),
        (json!({"api_key": "${A}:${B}"}), "api_key: ${A} is not set, ${B} is not set"),
        (json!({"threshold": "much"}), "threshold is not a number"),
        (json!({"threshold": -1}), "threshold is below 0"),
        (json!({"enabled": "perhaps"}), "enabled is neither true nor false"),
    ] {
        assert_eq!(account(changes).err().unwrap(), error);
    }
}

#[test]
fn a_subscription_keeps_its_cycle() {
    let base = json!({"name": "S", "cycle_type": "monthly", "renewal_day": 9});
    let draft = |changes: Value| one(&moved(&json!({ "subscriptions": [with(&base, &changes)] })).subscriptions);
    for (changes, kind, day, ahead) in [
        (json!({}), "monthly", 9, "3"),
        (json!({"cycle_type": null, "renewal_day": null}), "monthly", 1, "3"),
        (json!({"cycle_type": "weekly", "renewal_day": 7, "alert_days_before": 1}), "weekly", 7, "1"),
        (json!({"cycle_type": "yearly", "renewal_day": 315, "alert_days_before": 7}), "yearly", 315, "7"),
        (json!({"cycle_type": "yearly", "renewal_day": "02-29"}), "yearly", 229, "3"),
        (json!({"cycle_type": "yearly", "renewal_day": 1, "last_renewed_date": "2026-01-31"}), "yearly", 131, "3"),
        (json!({"cycle_type": "yearly", "renewal_day": 5, "renewal_month": 12}), "yearly", 1205, "3"),
        (json!({"renewal_day": 9.0, "alert_days_before": [7, 3, 1]}), "monthly", 9, "7,3,1"),
        (json!({"alert_days_before": "7,3,1,0"}), "monthly", 9, "7,3,1,0"),
    ] {
        let terms = draft(changes.clone()).unwrap().terms;
        let shown = (terms.cycle.kind().as_str(), terms.cycle.day(), terms.ahead.to_string());
        assert_eq!(shown, (kind, day, ahead.to_owned()), "{changes}");
    }

    let full = json!({"amount": 3500.0, "currency": "usd", "owner_project": "IM", "enabled": false,
        "last_renewed_date": "2026-01-15"});
    let full = draft(full).unwrap();
    assert_eq!(full.amount.map(|amount| amount.normalize().to_string()).as_deref(), Some("3500"));
    assert_eq!((full.currency.as_str(), full.project.as_str(), full.enabled), ("USD", "IM", false));
    assert_eq!(full.terms.last_renewed.unwrap().to_string(), "2026-01-15");
    // 0 is what that system has for "nobody said".
    let unknown = draft(json!({"amount": 0})).unwrap();
    assert_eq!((unknown.amount, unknown.currency.as_str(), unknown.enabled), (None, "CNY", true));

    for (changes, error) in [
        (json!({"name": null}), "name is missing"),
        (json!({"cycle_type": "daily"}), "cycle_type is none of weekly, monthly, yearly"),
        (json!({"renewal_day": 32}), "renewal_day of a monthly cycle must be 1..31"),
        (json!({"renewal_day": "soon"}), "renewal_day is not a whole number"),
        (json!({"cycle_type": "yearly", "renewal_day": 230}), "renewal_day of a yearly cycle must be a date as MMDD"),
        (json!({"cycle_type": "yearly"}), "renewal_day of a yearly cycle must be MMDD (315 is 15 March)"),
        (json!({"amount": -1}), "amount is below 0"),
        (json!({"amount": "much"}), "amount is not a number"),
        (json!({"alert_days_before": -1}), "alert_days_before must be"),
        (json!({"last_renewed_date": "15.1.2026"}), "last_renewed_date is not a date YYYY-MM-DD"),
        (json!({"last_renewed_date": "2026-03-01"}), "last_renewed_date is in the future"),
    ] {
        let fault = draft(changes.clone()).unwrap_err();
        assert!(fault.starts_with(error), "{changes}: {fault}");
    }
}

#[test]
fn an_email_is_a_mailbox() {
    let base = json!({"name": "M", "host": "IMAP.example.com", "username": "me", "password": "${KEY}"});
    let mailbox = |changes: Value| one(&moved(&json!({ "email": [with(&base, &changes)] })).mailboxes);
    for (changes, name, port, tls, enabled) in [
        (json!({}), "M", 993, Tls::Tls, true),
        (json!({"name": null, "port": "994", "enabled": false}), "me", 994, Tls::Tls, false),
        (json!({"use_ssl": false}), "M", 143, Tls::Starttls, true),
        (json!({"use_ssl": false, "port": 1143}), "M", 1143, Tls::Starttls, true),
    ] {
        let (draft, secret) = mailbox(changes).unwrap();
        assert_eq!((draft.name.as_str(), draft.port, draft.tls, draft.enabled), (name, port, tls, enabled));
        let rest = (draft.host.as_str(), draft.username.as_str(), secret.reveal());
        assert_eq!(rest, ("imap.example.com", "me", "sk-of-a-variable"));
        assert!(draft.sealed.is_empty());
    }
    for (changes, error) in [
        (json!({"host": null}), "host is missing"),
        (json!({"host": "https://imap"}), "host must be the name of an IMAP server"),
        (json!({"host": "127.0.0.1"}), "host: "),
        (json!({"port": 70000}), "port must be 1..65535"),
        (json!({"username": null}), "username is missing"),
        (json!({"password": "${NONE}"}), "password: ${NONE} is not set"),
    ] {
        let fault = mailbox(changes.clone()).unwrap_err();
        assert!(fault.starts_with(error), "{changes}: {fault}");
    }
}

#[test]
fn the_webhook_is_a_channel() {
    let feishu = "https://open.feishu.cn/open-apis/bot/v2/hook/t0ken";
    let channel = |webhook: Value| one(&moved(&json!({ "webhook": webhook })).channels);
    for (webhook, kind, name) in [
        (json!({"url": feishu, "type": "feishu", "source": "balance-alert"}), "feishu", "balance-alert"),
        (json!({"url": feishu}), "feishu", "webhook"),
        (json!({"url": "https://example.com/hook", "type": "custom"}), "webhook", "webhook"),
        (json!({"url": "https://example.com/hook"}), "webhook", "webhook"),
        (json!({"url": "https://example.com/hook", "type": "DingTalk"}), "dingtalk", "webhook"),
        (json!({"url": "https://example.com/hook", "type": "wecom"}), "wecom", "webhook"),
    ] {
        let draft = channel(webhook.clone()).unwrap();
        assert_eq!((draft.kind.as_str(), draft.name.as_str()), (kind, name), "{webhook}");
        assert_eq!(draft.config.unwrap()["url"], webhook["url"]);
    }
    let signed = channel(json!({"url": feishu, "type": "feishu", "secret": "${KEY}"})).unwrap();
    assert_eq!(signed.config.unwrap()["secret"], "sk-of-a-variable");
    for webhook in [json!(null), json!({}), json!({"url": "", "type": "${NONE}"})] {
        assert!(moved(&json!({ "webhook": webhook })).channels.is_empty());
    }
    let fault = channel(json!({"url": "https://example.com/", "type": "pigeon"})).unwrap_err();
    assert_eq!(fault, "type is none of feishu, dingtalk, wecom, custom");
    let fault = channel(json!({"url": "${URL}", "type": "${TYPE}"})).unwrap_err();
    assert_eq!(fault, "url: ${URL} is not set; type: ${TYPE} is not set");
}

#[test]
fn a_file_is_recognised_and_read_as_a_whole() {
    for (text, is) in [
        (r#"{"projects": []}"#, true),
        (r#"{"projects": [{"threshold": ${LIMIT}}]}"#, true),
        (r#"{"email": []}"#, true),
        (r#"{"ips": [], "projects": []}"#, false),
        (r#"[{"name": "projects"}]"#, false),
        ("name,projects\n", false),
        ("{", false),
    ] {
        assert_eq!(is_one(text), is, "{text}");
    }
    let bare = r#"{"projects": [{"name": "${A \" B", "provider": "aliyun", "api_key": "k", "threshold": ${LIMIT}}]}"#;
    let stated = one(&try_read(bare).unwrap().accounts).unwrap();
    assert_eq!(stated.thresholds, Some("remaining < 12.5".into()));
    for (text, error) in [
        ("{\"projects\": sk-secret}", "not JSON: line 1 column "),
        ("[]", "not an object"),
        (r#"{"projects": "all"}"#, "projects is not a list"),
        (r#"{"webhook": []}"#, "webhook is not an object"),
    ] {
        let fault = try_read(text).err().unwrap();
        assert!(fault.starts_with(error) && !fault.contains("sk-secret"), "{text}: {fault}");
    }
    let settings = json!({"settings": {"balance_refresh_interval_seconds": "${NONE:-1800}", "max_concurrent_checks": 5,
        "enable_smart_refresh": true}, "extra": 1, "_comment": 1,
        "projects": [{"name": "A", "provider": "aliyun", "api_key": "k"}]});
    let read = moved(&settings);
    assert_eq!(one(&read.accounts).unwrap().interval_seconds, Some(1800));
    assert_eq!(read.notes.len(), 3, "{:?}", read.notes);
    assert!(read.notes.iter().any(|note| note.contains("accounts.max_concurrent_checks")));
    let seldom = moved(&json!({"settings": {"balance_refresh_interval_seconds": 5}}));
    assert_eq!(seldom.notes.len(), 1);

    let twice = json!({"projects": ["text", {"name": "A", "provider": "aliyun", "api_key": "k"},
        {"name": "a", "provider": "aliyun", "api_key": "l"}, {"name": "B", "provider": "volc", "api_key": "k"}]});
    let faults: Vec<_> = moved(&twice).accounts.iter().map(|entry| entry.what.as_ref().err().cloned()).collect();
    let name = Some("projects[1] has this name already".to_owned());
    let key = Some("projects[1] has this api_key already; one account is enough for it".to_owned());
    assert_eq!(faults, [Some("not an object".to_owned()), None, name, key]);
}

const FILE: &str = r#"{
  "settings": {"balance_refresh_interval_seconds": 1800, "max_concurrent_checks": 5},
  "webhook": {"url": "${WEBHOOK}", "source": "balance-alert", "type": "custom"},
  "email": [{"name": "飞书邮箱", "host": "imap.feishu.cn", "port": 993, "username": "me@example.com",
    "password": "${MAIL_PASSWORD}", "use_ssl": true}],
  "subscriptions": [{"name": "GitHub", "cycle_type": "yearly", "renewal_day": 315, "amount": 100.0, "currency": "USD"}],
  "projects": [
    {"name": "OpenRouter", "owner_project": "AI", "provider": "openrouter", "api_key": "${ROUTER_KEY}", "threshold": 100},
    {"name": "火山-A", "provider": "volc", "api_key": "AKLT0001:c2VjcmV0", "threshold": 7000, "type": "balance"},
    {"name": "Missing", "provider": "uniapi", "api_key": "${NOT_SET}"},
    {"name": "Aliyun", "provider": "aliyun", "api_key": "no-colon"},
    {"name": "Elsewhere", "provider": "nowhere", "api_key": "sk-nowhere-0001"}
  ]
}"#;

const SECRETS: [&str; 5] = ["sk-or-v1-0123456789abcdef", "c2VjcmV0", "mail-pa$$word", "h00k", "sk-nowhere-0001"];

fn import(dir: &Path, args: &[&str]) -> Command {
    let mut command = tidewatch(dir, &[&["import", "config.json"][..], args].concat());
    command.env("ROUTER_KEY", SECRETS[0]).env("MAIL_PASSWORD", SECRETS[2]);
    command.env("WEBHOOK", "https://hooks.example.com/h00k");
    command
}

async fn report(dir: &Path, args: &[&str]) -> (i32, Value) {
    let (code, stdout, stderr) = finished(import(dir, &[&["--json"][..], args].concat())).await;
    for secret in SECRETS {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{secret}: {stdout}{stderr}");
    }
    (code, serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}{stderr}")))
}

fn counts(report: &Value) -> [i64; 5] {
    ["created", "updated", "unchanged", "skipped", "failed"].map(|name| report[name].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_file_is_moved_once() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("config.json"), text).unwrap();
    write(FILE);
    let (code, dry) = report(dir.path(), &["--dry-run"]).await;
    assert_eq!((code, counts(&dry)), (1, [5, 0, 0, 0, 3]), "{dry}");
    let there: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(there, ["config.json"]);

    let (code, first) = report(dir.path(), &[]).await;
    assert_eq!((code, counts(&first)), (1, [5, 0, 0, 0, 3]), "{first}");
    let fault = |name: &str| {
        let details = first["details"].as_array().unwrap();
        let detail = details.iter().find(|detail| detail["name"] == name).unwrap();
        format!("{} {}", detail["at"].as_str().unwrap(), detail["error"].as_str().unwrap())
    };
    assert_eq!(fault("Missing"), "projects[2] api_key: ${NOT_SET} is not set");
    assert!(fault("Aliyun").starts_with("projects[3] "), "{}", fault("Aliyun"));
    assert!(fault("Elsewhere").contains("nowhere"), "{}", fault("Elsewhere"));

    let (_, again) = report(dir.path(), &[]).await;
    assert_eq!(counts(&again), [0, 0, 5, 0, 3], "{again}");
    let (_, dry) = report(dir.path(), &["--dry-run"]).await;
    assert_eq!(counts(&dry), [0, 0, 5, 0, 3], "{dry}");

    let changed = FILE.replace("\"threshold\": 7000", "\"threshold\": 500").replace("315", "401");
    write(&changed);
    let (_, kept) = report(dir.path(), &["--no-upsert"]).await;
    assert_eq!(counts(&kept), [0, 0, 0, 5, 3], "{kept}");
    let (_, dry) = report(dir.path(), &["--dry-run"]).await;
    assert_eq!(counts(&dry), [0, 2, 3, 0, 3], "{dry}");
    let (_, updated) = report(dir.path(), &[]).await;
    assert_eq!(counts(&updated), [0, 2, 3, 0, 3], "{updated}");
    let (_, again) = report(dir.path(), &[]).await;
    assert_eq!(counts(&again), [0, 0, 5, 0, 3], "{again}");

    // Whoever reads the file of the database finds no secret, and does find a name.
    let data = dir.path().join(settings::Settings::default().server.data_dir);
    let held =
        ["tidewatch.db", "tidewatch.db-wal"].map(|file| std::fs::read(data.join(file)).unwrap_or_default()).concat();
    let holds = |text: &str| held.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("OpenRouter"));
    for secret in &SECRETS[..4] {
        assert!(!holds(secret), "{secret}");
    }
}

/// What people changed here stays, whatever the file says again, on each database there is.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_changed_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (maria, postgres) = (MariaDb::start(), Postgres::start());
    let of_file = database::of_file(&dir.path().join("t.db"));
    for url in [Some(of_file), maria.as_ref().map(MariaDb::url), postgres.as_ref().map(Postgres::url)] {
        let Some(url) = url else { continue };
        let store = Store::open(&OpenOptions::new(url)).await.unwrap();
        store.migrate(&database::migrations(), NOW).await.unwrap();
        people_change_and_import_again(&store).await;
        store.close().await;
    }
}

async fn people_change_and_import_again(store: &Store) {
    let (providers, keyring) = (Catalog::built_in().unwrap(), Keyring::parse(&store::new_key().unwrap()).unwrap());
    let place = Place {
        store,
        providers: &providers,
        keyring: &keyring,
        accounts: &AccountOptions::default(),
        rules: Rules { sealer: &keyring, allow_private: false, apprise: None },
        upsert: true,
        dry_run: false,
        now: NOW,
        actor: "test",
    };
    let file = json!({
        "webhook": {"url": "https://example.com/1", "type": "custom", "source": "w"},
        "email": [{"name": "M", "host": "imap.example.com", "username": "me", "password": "one"}],
        "subscriptions": [{"name": "S", "renewal_day": 9, "last_renewed_date": "2026-01-09", "amount": 5}],
        "projects": [
            {"name": "T", "provider": "tikhub", "api_key": "sk-tikhub-00001", "threshold": 5},
            {"name": "W", "provider": "wxrank", "api_key": "sk-wxrank-00001", "threshold": 5},
            {"name": "K", "provider": "wxrank", "api_key": "sk-wxrank-00002"},
        ],
    });
    let counts = |report: &Report| {
        assert_eq!(report.failed, 0, "{report:?}");
        (report.created, report.updated, report.unchanged, report.skipped)
    };
    assert_eq!(counts(&keep(&moved(&file), &place).await.unwrap()), (6, 0, 0, 0));

    let mut tx = store.begin().await.unwrap();
    let account = find_account_by_name(&mut tx, "t").await.unwrap().unwrap();
    let params = [("site".to_owned(), "global".to_owned())].into_iter().collect();
    let patch = AccountPatch { state: Some(TargetState::Paused), params: Some(params), ..AccountPatch::default() };
    update_account(&mut tx, &account, &patch, NOW).await.unwrap();
    let kept = find_account_by_name(&mut tx, "K").await.unwrap().unwrap();
    adopt(&mut tx, kept.id, "config").await.unwrap();
    let id = find_subscription(&mut tx, "S").await.unwrap().unwrap();
    write_renewed(&mut tx, id, "2026-02-01".parse().unwrap(), NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counts(&keep(&moved(&file), &place).await.unwrap()), (0, 0, 5, 1));
    let account = get_account(store, account.id).await.unwrap().unwrap();
    assert_eq!((account.state, account.params["site"].as_str()), (TargetState::Paused, "global"));
    assert_eq!((account.origin.as_str(), account.mask.as_str()), ("import", "..."));

    let mut other = file.clone();
    other["webhook"]["url"] = "https://example.com/2".into();
    other["email"][0]["password"] = "two".into();
    other["subscriptions"][0]["renewal_day"] = 10.into();
    other["projects"][1]["api_key"] = "sk-wxrank-00003".into();
    assert_eq!(counts(&keep(&moved(&other), &Place { dry_run: true, ..place }).await.unwrap()), (0, 4, 1, 1));
    assert_eq!(counts(&keep(&moved(&other), &place).await.unwrap()), (0, 4, 1, 1));
    assert_eq!(counts(&keep(&moved(&other), &place).await.unwrap()), (0, 0, 5, 1));
    let subscription = get_subscription(store, id).await.unwrap().unwrap().draft;
    let terms = (subscription.terms.cycle.day(), subscription.terms.last_renewed.unwrap().to_string());
    assert_eq!(terms, (10, "2026-02-01".to_owned()));
    let mailboxes = list_mailboxes(store).await.unwrap();
    assert_eq!(keyring.open(mailboxes[0].draft.sealed.reveal()).unwrap(), "two");
    let log = store::audit_log(store, 20).await.unwrap();
    assert_eq!((log.len(), log[0].actor.as_str()), (10, "test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_a_file_and_the_table_tells_each() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), FILE).unwrap();
    std::fs::write(dir.path().join(".env"), "# keys\nexport NOT_SET='sk-of-the-file'\n\n").unwrap();
    let (code, stdout, stderr) = finished(import(dir.path(), &["--env-file", ".env"])).await;
    assert_eq!((code, stderr.as_str()), (1, ""));
    for part in [
        "created  account       OpenRouter",
        "created  account       Missing",
        "created  subscription  GitHub",
        "created  mailbox       飞书邮箱",
        "created  channel       balance-alert",
        "failed   account       Elsewhere",
        "settings.max_concurrent_checks: not moved, here it is accounts.max_concurrent_checks",
        "6 created, 0 updated, 0 unchanged, 0 skipped, 2 failed",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    std::fs::write(dir.path().join(".env"), "sk-secret\n").unwrap();
    let (code, _, stderr) = finished(import(dir.path(), &["--env-file", ".env"])).await;
    assert_eq!((code, stderr.as_str()), (2, ".env:1: not NAME=value\n"));
    for (args, error) in [
        (&["--kind", "ips"][..], "config.json: "),
        (&["--kind", "droid"], "--kind droid takes a Redis URL"),
        (&["--kind", "ips", "--dry-run"], "--dry-run is for config and droid"),
    ] {
        let (code, _, stderr) = finished(import(dir.path(), args)).await;
        assert!(code == 2 && stderr.starts_with(error), "{args:?}: {stderr}");
    }
}
