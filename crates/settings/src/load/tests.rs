//! The loader by table.

use super::legacy::{Meaning, TABLE};
use super::{Flag, Loaded, Origin, SourceFile, Sources, load};
use crate::{Settings, Span, example, schema};
use proptest::prelude::*;
use std::io;
use std::path::Path;

fn sources(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Sources {
    let read = |path: &Path| match path.to_str() {
        Some("/run/key") => Ok("from-file\n".to_owned()),
        Some("/run/empty") => Ok("\n".to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    };
    Sources {
        files: files.iter().map(|(n, t)| SourceFile { name: (*n).into(), text: (*t).into() }).collect(),
        environment: environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        flags: Vec::new(),
        read: Box::new(read),
    }
}

pub(super) fn good(text: &str, environment: &[(&str, &str)]) -> Loaded {
    load(&sources(&[("a.yaml", text)], environment)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(super) fn bad(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Vec<String> {
    let problems = load(&sources(files, environment)).map(|_| ()).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_is_the_defaults() {
    for text in ["", "# nothing\n", "{}", "market:\n", "market:\n  schedule:\n"] {
        assert_eq!(good(text, &[]).settings, Settings::default(), "{text:?}");
    }
}

#[test]
fn the_example_loads_and_is_the_defaults() {
    let loaded = good(&example(), &[]);
    assert_eq!(loaded.settings, Settings::default());
    for (key, origin) in &loaded.provenance {
        assert!(matches!(origin, Origin::File { .. }), "the example leaves out {key}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_problem_says_where_it_is() {
    for (text, expected) in [
        ("market:\n  shedule:\n    a: 1\n", "a.yaml:2:3: market.shedule: unknown key; did you mean market.schedule?"),
        ("pages_sold: 3\n", "a.yaml:1:1: pages_sold: unknown key; did you mean market.pages_sold?"),
        ("nonsense: 3\n", "a.yaml:1:1: nonsense: unknown key"),
        ("market:\n  pages_sold: five\n", "a.yaml:2:15: market.pages_sold: \"five\" is not a whole number"),
        ("market:\n  pages_sold: 1.5\n", "a.yaml:2:15: market.pages_sold: \"1.5\" is not a whole number"),
        ("market:\n  pages_sold: 0\n", "a.yaml:2:15: market.pages_sold: \"0\" is too small: at least 1"),
        ("market:\n  pages_sold: 900\n", "a.yaml:2:15: market.pages_sold: \"900\" is too large: at most 100"),
        ("market:\n  pages_sold: [5]\n", "a.yaml:2:15: market.pages_sold: is a list; write a whole number"),
        ("market:\n  pages_sold: {a: 5}\n", "a.yaml:2:15: market.pages_sold: is a group of keys; write a whole number"),
        ("market:\n  enabled: yes\n", "a.yaml:2:12: market.enabled: \"yes\" is not true or false"),
        ("market:\n  attribution: now\n", "a.yaml:2:16: market.attribution: \"now\" is not one of event, crawl"),
        (
            "engine:\n  lease: soon\n",
            "a.yaml:2:10: engine.lease: \"soon\" is not a length of time: \
             write a length of time such as 90s, 15m, 2h or 1d, or plain seconds",
        ),
        ("engine:\n  lease: 3d\n", "a.yaml:2:10: engine.lease: \"3d\" is too long: at most 1d"),
        ("market: 5\n", "a.yaml:1:9: market: is a section: write the keys below it, indented"),
        (
            "auth:\n  public: market\n",
            "a.yaml:2:11: auth.public: \"market\" is not a list; write [market] or one - per line",
        ),
        (
            "server:\n  listen: 8080\n",
            "a.yaml:2:11: server.listen: \"8080\" is not an address and a port such as 127.0.0.1:8080",
        ),
        (
            "market:\n  base_url: api.mercari.jp\n",
            "a.yaml:2:13: market.base_url: \"api.mercari.jp\" is not a URL (relative URL without a base): \
             write a URL that begins with http:// or https://",
        ),
        ("market:\n  web_url: ''\n", "a.yaml:2:12: market.web_url: \"\" must not be empty"),
        (
            "server:\n  trusted_proxies: [10.0.0.0/8, proxy]\n",
            "a.yaml:2:33: server.trusted_proxies[1]: \"proxy\" is no network: \
             write an address such as 10.0.0.7 or a range such as 10.0.0.0/8",
        ),
        (
            "log:\n  level: loud\n",
            "a.yaml:2:10: log.level: \"loud\" is no level: \
             write off, error, warn, info, debug or trace, also as info,sqlx=warn",
        ),
        ("log:\n  level: info\nlog:\n  level: warn\n", "a.yaml:3:1: log: is there twice: first at a.yaml:1:1"),
        ("log:\n  level:\n", "a.yaml:2:8: log.level: has no value; leave the key out to get the default"),
        ("log:\n  level: ${LEVEL}\n", "a.yaml:2:10: log.level: ${LEVEL} is not set; set it or write ${LEVEL:-default}"),
        ("log:\n  level: ${LEVEL\n", "a.yaml:2:10: log.level: ${ without }; a dollar sign is written $$"),
        ("market:\n  ips:\n    - weight: 2\n", "a.yaml:3:7: market.ips[0].name: is missing"),
        (
            "market:\n  ips:\n    - name: x\n      wieght: 2\n",
            "a.yaml:4:7: market.ips[0].wieght: unknown key; did you mean market.ips[0].weight?",
        ),
        (
            "market:\n  ips: [{name: x}, {name: x}]\n",
            "a.yaml:2:8: market.ips[1].name: \"x\" is there twice: also market.ips[0]",
        ),
        (
            "market:\n  schedule:\n    base_interval: 30m\n",
            "a.yaml:3:20: market.schedule.base_interval: 30m must not be less than \
             market.schedule.min_interval = 1h (default)",
        ),
        (
            "market:\n  schedule:\n    min_interval: 3h\n    max_interval: 150m\n",
            "a.yaml:3:19: market.schedule.min_interval: 3h must not be more than \
             market.schedule.max_interval = 150m (a.yaml:4:19)",
        ),
        (
            "engine:\n  lease: 10m\n",
            "a.yaml:2:10: engine.lease: 10m must be more than engine.task_timeout = 12m (default)",
        ),
        (
            "auth:\n  admin_key_file: /nowhere\n",
            "a.yaml:2:19: auth.admin_key_file: /nowhere cannot be read: no such file",
        ),
        ("auth:\n  admin_key_file: /run/empty\n", "a.yaml:2:19: auth.admin_key_file: /run/empty is empty"),
        (
            "auth:\n  admin_key: k\n  admin_key_file: /run/key\n",
            "a.yaml:3:19: auth.admin_key_file: auth.admin_key is set beside it: set one of the two",
        ),
    ] {
        assert_eq!(bad(&[("a.yaml", text)], &[]), [expected], "{text}");
    }
}

#[test]
fn a_syntax_error_has_a_line() {
    let problems = bad(&[("a.yaml", "log:\n  level: 'info\nserver: {\n")], &[]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("a.yaml:2:10: this is not YAML: "), "{problems:?}");
    let problems = bad(&[("a.yaml", "log:\n  level: info\n format: json\n")], &[]);
    assert!(problems[0].starts_with("a.yaml:3:"), "{problems:?}");
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let text =
        "server:\n  listen: here\n  prot: 1\nmarket:\n  pages_sold: 0\n  schedule:\n    base_interval: 2 hours\n";
    let problems = bad(&[("a.yaml", text)], &[("TIDEWATCH_ENGINE__LEASE", "long"), ("TIDEWATCH_LOG__LEVLE", "info")]);
    let places: Vec<&str> = problems.iter().filter_map(|problem| problem.split(": ").next()).collect();
    let lines = ["a.yaml:2:11", "a.yaml:3:3", "a.yaml:5:15", "a.yaml:7:20"];
    assert_eq!(places, [&lines[..], &["TIDEWATCH_ENGINE__LEASE", "TIDEWATCH_LOG__LEVLE"]].concat(), "{problems:#?}");
    assert!(problems[5].ends_with("there is no setting log.levle; did you mean TIDEWATCH_LOG__LEVEL?"), "{problems:?}");
}

#[test]
fn the_files_of_a_directory_are_one() {
    let two = [
        ("a.yaml", "log: {level: warn}\nmarket: {ips: [{name: A}]}\n"),
        ("b.json", "{\"market\": {\"ips\": [{\"name\": \"B\"}]}}"),
    ];
    let loaded = load(&sources(&two, &[])).unwrap();
    assert_eq!(loaded.settings.market.ips.iter().map(|ip| ip.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    let twice = [("a.yaml", "log: {level: warn}\n"), ("b.yaml", "log:\n  level: info\n")];
    assert_eq!(bad(&twice, &[]), ["b.yaml:2:10: log.level: is set in two files: also at a.yaml:1:14"]);
}

#[test]
fn a_variable_is_put_into_a_value_and_typed_there() {
    let text = "market:\n  pages_sold: ${PAGES}\n  pages_on_sale: \"${NONE:-7}\"\n  ips: [{name: \"a$$b\"}]\n";
    let market = good(text, &[("PAGES", "9")]).settings.market;
    assert_eq!((market.pages_sold, market.pages_on_sale, market.ips[0].name.as_str()), (9, 7, "a$b"));
}

#[test]
fn the_later_layer_wins() {
    let text = "log:\n  level: error\n";
    let file = good(text, &[]);
    assert_eq!(file.provenance["log.level"].to_string(), "a.yaml:2:10");
    let legacy = good(text, &[("APP_LOG_LEVEL", "WARNING")]);
    assert_eq!(
        (legacy.settings.log.level.as_str(), legacy.provenance["log.level"].to_string().as_str()),
        ("warn", "APP_LOG_LEVEL")
    );
    let both = [("APP_LOG_LEVEL", "WARNING"), ("TIDEWATCH_LOG__LEVEL", "debug")];
    let own = good(text, &both);
    assert_eq!(
        (own.settings.log.level.as_str(), own.provenance["log.level"].to_string().as_str()),
        ("debug", "TIDEWATCH_LOG__LEVEL")
    );
    let mut with_flag = sources(&[("a.yaml", text)], &both);
    with_flag.flags.push(Flag { name: "--log-level", key: "log.level", value: "trace".into() });
    let flag = load(&with_flag).unwrap();
    assert_eq!(
        (flag.settings.log.level.as_str(), flag.provenance["log.level"].to_string().as_str()),
        ("trace", "--log-level")
    );
    assert_eq!(flag.provenance["log.format"], Origin::Default);
}

#[test]
fn variables_set_lists_and_read_files() {
    let loaded = good(
        "",
        &[
            ("TIDEWATCH_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("TIDEWATCH_AUTH__PUBLIC", ""),
            ("TIDEWATCH_MARKET__IPS", "[{name: A, tags: [x]}, {name: B}]"),
            ("TIDEWATCH_MARKET__BROWSER__CHROME_BIN_FILE", "/run/key"),
            ("TIDEWATCH_CONFIG", "/etc/tidewatch.yaml"),
            ("TIDEWATCH_SERVICE_HOST", "10.1.1.1"),
        ],
    );
    let settings = loaded.settings;
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert!(settings.auth.public.is_empty());
    assert_eq!(settings.market.ips[0].tags, ["x"]);
    assert_eq!(settings.market.browser.chrome_bin, Path::new("from-file"));
    assert_eq!(loaded.notices.len(), 1, "{:?}", loaded.notices);
    for name in ["TIDEWATCH_AUTH__ADMIN_KEY_FILE", "ADMIN_API_KEY_FILE"] {
        let loaded = good("auth:\n  admin_key: lower\n", &[(name, "/run/key")]);
        assert_eq!(loaded.settings.auth.admin_key.reveal(), "from-file", "{name}");
        assert_eq!(loaded.provenance["auth.admin_key"].to_string(), name);
    }
}

#[test]
fn a_problem_in_a_variable_names_it() {
    for (environment, expected) in [
        (
            ("TIDEWATCH_MARKET__PAGES_SOLD", "x"),
            "TIDEWATCH_MARKET__PAGES_SOLD: market.pages_sold: \"x\" is not a whole number",
        ),
        (("SCHEDULER_PAGES_SOLD", "x"), "SCHEDULER_PAGES_SOLD: market.pages_sold: \"x\" is not a whole number"),
        (
            ("TIDEWATCH_MARKET__SCHEDULE", "x"),
            "TIDEWATCH_MARKET__SCHEDULE: market.schedule: is a section: set the keys below it",
        ),
        (
            ("TIDEWATCH_MARKET__IPS", "[{nam: x}]"),
            "TIDEWATCH_MARKET__IPS: market.ips[0].nam: unknown key; did you mean market.ips[0].name?",
        ),
        (
            ("TIDEWATCH_AUTH__ADMIN_KEY_FILE", "/no"),
            "TIDEWATCH_AUTH__ADMIN_KEY_FILE: auth.admin_key_file: /no cannot be read: no such file",
        ),
        (
            ("TIDEWATCH_LOG__LEVEL_FILE", "/no"),
            "TIDEWATCH_LOG__LEVEL_FILE: log.level: /no cannot be read: no such file",
        ),
        (("PORT", "http"), "PORT: server.listen: \"http\" is not an address and a port such as 127.0.0.1:8080"),
        (("DB_HOST", "db"), "DB_HOST: store.url: needs DB_NAME beside it"),
        (
            ("JANITOR_TIMEOUT", "5m"),
            "JANITOR_TIMEOUT: engine.lease: 5m must be more than engine.task_timeout = 12m (default)",
        ),
    ] {
        let problems = bad(&[], &[environment]);
        assert!(problems.contains(&expected.to_owned()), "{problems:#?}\n{expected}");
    }
}

/// The names as the specification lists them.
const SPECIFIED: &str = "SCHEDULER_BASE_INTERVAL SCHEDULER_MIN_INTERVAL SCHEDULER_MAX_INTERVAL SCHEDULER_SCHEDULE_SLOT \
    SCHEDULER_PAGES_ON_SALE SCHEDULER_PAGES_SOLD SCHEDULER_BATCH_SIZE SCHEDULER_BACKPRESSURE_THRESHOLD \
    JANITOR_INTERVAL JANITOR_TIMEOUT ANALYZER_ITEM_TTL_AVAILABLE ANALYZER_ITEM_TTL_SOLD \
    ANALYZER_HIGH_OUTFLOW_THRESHOLD ANALYZER_LOW_LIQUIDITY_THRESHOLD ANALYZER_HIGH_LIQUIDITY_THRESHOLD \
    BROWSER_MAX_CONCURRENCY BROWSER_PAGE_TIMEOUT BROWSER_TASK_TIMEOUT CHROME_BIN HTTP_PROXY PROXY_AUTO_SWITCH \
    PROXY_COOLDOWN PROXY_FAILURE_THRESHOLD APP_RATE_LIMIT APP_RATE_BURST APP_LOG_LEVEL ADMIN_API_KEY ADMIN_PASSWORD \
    WEB_API_KEY DB_DSN DB_HOST DB_PORT DB_USER DB_PASSWORD DB_NAME MYSQL_PASSWORD REDIS_URL REDIS_ADDR REDIS_PASSWORD \
    PORT ENV MAX_WORKERS QUEUE_SIZE HTTP_TIMEOUT CACHE_TTL SESSION_TTL WEBHOOK_URL WEBHOOK_TYPE WEBHOOK_SOURCE \
    CONFIG_PATH BALANCE_REFRESH_INTERVAL_SECONDS MAX_CONCURRENT_CHECKS ALERT_COOLDOWN_SECONDS ENABLE_JWT \
    JWT_SECRET_KEY JWT_ACCESS_TOKEN_EXPIRES_HOURS AUTH_USERNAME AUTH_PASSWORD ENABLE_RATE_LIMIT RATE_LIMIT_STORAGE \
    CONFIG_ENCRYPTION_KEY LOG_FORMAT DOMAIN_NAME LETSENCRYPT_EMAIL";

#[test]
fn every_specified_name_of_the_replaced_systems_is_known_and_none_is_swallowed() {
    let known: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
    assert_eq!(known, SPECIFIED.split_whitespace().collect::<Vec<_>>());
    for entry in TABLE {
        let (key, text) = match entry.meaning {
            Meaning::Sets(key) | Meaning::Switch(key) | Meaning::Word(key) => (key, sample(key)),
            Meaning::Hours(key) => (key, "12".into()),
            Meaning::Address(key, ..) => (key, "redis:6379".into()),
            Meaning::Storage => ("server.rate_limit.storage", "memory://".into()),
            Meaning::Port => ("server.listen", "9000".into()),
            Meaning::Database | Meaning::Webhook | Meaning::LogIn | Meaning::File => continue,
            Meaning::Gone(_) => {
                let loaded = good("", &[(entry.name, "anything")]);
                assert_eq!(loaded.settings, Settings::default());
                assert_eq!(loaded.notices[0].origin, Origin::Variable(entry.name.into()));
                assert!(loaded.notices[0].message.starts_with("recognised, "));
                continue;
            }
        };
        let loaded = good("", &[(entry.name, &text)]);
        assert_eq!(loaded.provenance[key], Origin::Variable(entry.name.into()), "{key}");
    }
}

/// A value that a key takes.
fn sample(key: &str) -> String {
    let default = &schema::find(key).unwrap_or_else(|| panic!("{key} is no key"))["default"];
    match key {
        "market.proxy.url" => "http://proxy:3128".into(),
        "redis.url" => "redis://redis:6379/0".into(),
        "auth.jwt.secret" => "x".repeat(32),
        _ => default
            .as_str()
            .map_or_else(|| default.to_string(), |text| if text.is_empty() { "x".into() } else { text.into() }),
    }
}

#[test]
fn durations_and_database_of_the_replaced_systems_are_converted() {
    let loaded = good(
        "server: {listen: '0.0.0.0:80'}",
        &[
            ("SCHEDULER_BASE_INTERVAL", "1h30m0s"),
            ("JANITOR_TIMEOUT", "1800"),
            ("PROXY_AUTO_SWITCH", "1"),
            ("PORT", "9000"),
            ("DB_HOST", "db"),
            ("DB_NAME", "animetop"),
            ("MYSQL_PASSWORD", "p@ss"),
            ("REDIS_ADDR", ""),
        ],
    );
    let settings = &loaded.settings;
    assert_eq!(settings.market.schedule.base_interval, Span::minutes(90));
    assert_eq!(settings.engine.lease, Span::minutes(30));
    assert!(settings.market.proxy.auto_switch);
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(settings.store.url.reveal(), "mysql://root:p%40ss@db:3306/animetop");
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let redis = good(
        "",
        &[("REDIS_ADDR", "cache:6379"), ("REDIS_PASSWORD", "p"), ("RATE_LIMIT_STORAGE", "redis://cache:6379")],
    );
    assert_eq!(redis.settings.redis.url.reveal(), "redis://cache:6379");
    assert_eq!(redis.settings.redis.password.reveal(), "p");
    assert_eq!(redis.settings.server.rate_limit.storage, crate::CountersIn::Redis);
    let both = good("", &[("REDIS_ADDR", "cache:6379"), ("REDIS_URL", "rediss://other:6380/1")]);
    assert_eq!(both.settings.redis.url.reveal(), "rediss://other:6380/1");
    assert_eq!(both.notices[0].to_string(), "REDIS_ADDR: recognised, not used: REDIS_URL says it");
    let alone = good("", &[("DB_PASSWORD", "x")]);
    assert_eq!(alone.notices[0].to_string(), "DB_PASSWORD: recognised, not used: takes effect beside DB_HOST");
}

#[test]
fn no_secret_is_ever_printed() {
    let loaded = good(
        "auth: {admin_key: hunter2}\nstore: {url: 'mysql://tw:hunter2@db/tw'}\n",
        &[("HTTP_PROXY", "http://u:hunter2@proxy:3128"), ("ADMIN_PASSWORD", "hunter2")],
    );
    let rows = loaded.rows();
    let all = format!("{loaded:?} {rows:?} {} {}", loaded.to_json(), serde_json::to_string(&loaded.settings).unwrap());
    assert!(!all.contains("hunter2"), "{all}");
    assert!(rows.iter().any(|row| row.key == "auth.admin_key" && row.value == "***"));
    let problems = bad(
        &[("a.yaml", "store: {url: 'db:hunter2@tcp(h)/x'}\nauth: {admin_key: [hunter2]}\n")],
        &[("HTTP_PROXY", "ftp://u:hunter2@proxy"), ("DB_DSN", "hunter2")],
    );
    assert!(problems.len() >= 4 && !problems.concat().contains("hunter2"), "{problems:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mutilated_example_never_panics(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..30, "[ -~\n\t\u{e9}]{0,6}"), 1..6)
    ) {
        let mut text: Vec<char> = example().chars().collect();
        for (at, length, insert) in cuts {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let _ = load(&sources(&[("a.yaml", &text.into_iter().collect::<String>())], &[]));
    }

    #[test]
    fn any_text_of_any_variable_never_panics(n in 0..TABLE.len(), text in "\\PC{0,40}") {
        let _ = load(&sources(&[], &[(TABLE[n].name, &text)]));
        let (key, _) = &schema::keys()[n % schema::keys().len()];
        let _ = load(&sources(&[], &[(&super::environment::variable_of(key), &text)]));
    }
}
