use super::*;
use crate::document::{Format, Node};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn read(json: &str) -> Node {
    Format::Json.read(json.as_bytes()).unwrap()
}

fn with<T>(json: &str, formula: &str, then: impl Fn(&Formula, &Scope<'_>) -> T) -> T {
    let root = read(json);
    let params = BTreeMap::from([("currency".to_owned(), "CNY".to_owned()), ("empty".to_owned(), String::new())]);
    let scope = Scope { root: &root, here: &root, params: &params, now: NOW, http: 200 };
    let formula = Formula::parse(formula).unwrap_or_else(|fault| panic!("{formula}: {fault}"));
    then(&formula, &scope)
}

fn amount(json: &str, formula: &str) -> String {
    match with(json, formula, |f, scope| f.amount(scope)) {
        Ok(Some(n)) => n.to_string(),
        Ok(None) => "nothing".into(),
        Err(fault) => fault.to_string(),
    }
}

fn holds(json: &str, formula: &str) -> bool {
    with(json, formula, |f, scope| f.holds(scope)).unwrap_or_else(|fault| panic!("{formula}: {fault}"))
}

#[test]
fn arithmetic_is_decimal_and_binds_as_in_school() {
    let json = r#"{"a": 0.1, "b": "0.2", "n": null, "deep": {"odd-key": [3, "4"]}}"#;
    for (formula, result) in [
        ("a + b", "0.3"),
        ("-(a + b)", "-0.3"),
        ("- a - b", "-0.3"),
        ("10 - 2 - 3", "5"),
        ("2 + 3 * 4 / 6", "4"),
        ("deep.\"odd-key\"[1] * 2", "8"),
        ("$.deep.\"odd-key\"[0]", "3"),
        ("n", "nothing"),
        ("n + 1", "nothing"),
        ("gone?", "nothing"),
        ("gone? * 0", "nothing"),
        ("gone - 0", "`gone` is missing"),
        ("deep.gone.far", "`deep.gone.far` is missing"),
        ("deep + 1", "`deep` is an object where an amount was expected"),
        ("a / 0", "a division by zero"),
        ("a / (b - 0.2)", "a division by zero"),
        ("0.0000000000000000000000000001 / 10", "a number too large or too fine to be kept exactly"),
    ] {
        assert_eq!(amount(json, formula), result, "{formula}");
    }
}

#[test]
fn lists_are_filtered_and_summed() {
    let json = r#"{"list": [{"c": "usd", "t": 1, "x": 1.5}, {"c": "CNY", "t": "2", "x": "2.25"}, {"c": "CNY", "t": 3, "x": 4}],
        "none": [], "holes": [{"x": 1}, {}], "nulls": [{"x": 1}, {"x": null}]}"#;
    for (formula, result) in [
        ("list[c='CNY'].x", "2.25"),
        ("list[c='USD'].x", "1.5"),
        ("list[c=param(currency)].x", "2.25"),
        ("list[c='CNY', t=3].x", "4"),
        ("list[t=2].x", "2.25"),
        ("list[c='EUR'].x", "`list[c=…].x` is missing"),
        ("list[c='EUR'].x?", "nothing"),
        ("sum(list[].x)", "7.75"),
        ("sum(list[c='CNY'].x)", "6.25"),
        ("min(list[].x)", "1.5"),
        ("max(list[].x)", "4"),
        ("max(1, gone?, 2)", "2"),
        ("count(list[])", "3"),
        ("count(none[])", "0"),
        ("sum(none[].x)", "nothing"),
        ("sum(holes[].x)", "`holes[].x` is missing"),
        ("sum(nulls[].x)", "nothing"),
        ("sum(gone[].x)", "`gone[].x` is missing"),
        ("sum(gone[].x?)", "nothing"),
        ("first(gone, none[0]?, list[1].x)", "2.25"),
        ("first(gone, far)", "`gone` is missing"),
        ("list[9].x?", "nothing"),
        ("first(holes[x=2].x, 5)", "an element of a list has no `x`"),
        ("nulls[x=1].x", "1"),
    ] {
        assert_eq!(amount(json, formula), result, "{formula}");
    }
}

#[test]
fn conditions_compare_numbers_texts_and_nothing() {
    let json = r#"{"code": "200", "n": 200, "ok": true, "limit": null, "name": "Throttling.User"}"#;
    for (formula, result) in [
        ("code == 200", true),
        ("n == '200'", true),
        ("code in (200, 'Success') and ok == true", true),
        ("ok", true),
        ("not ok", false),
        ("not code == 201 and ok", true),
        ("Success? != false", true),
        ("limit == null", true),
        ("gone? == null", true),
        ("missing(gone)", true),
        ("missing(limit)", false),
        ("limit < 5", false),
        ("n >= 100000000 or n <= 200", true),
        ("starts(name, 'Throttling')", true),
        ("contains(name, 'x', 'User')", true),
        ("contains(gone?, 'x')", false),
        ("http() == 200", true),
        ("param(currency) == 'CNY'", true),
        ("param(empty)? == null", true),
        ("if(ok, code, 0) == 200", true),
        ("join(code, '/', lower(name)) == '200/throttling.user'", true),
    ] {
        assert_eq!(holds(json, formula), result, "{formula}");
    }
    // A missing field must not look like the sentinel `null`.
    assert_eq!(with(json, "gone == null", |f, s| f.holds(s)), Err(EvalFault::Missing("gone".into())));
    assert_eq!(with(json, "param(other)", |f, s| f.text(s)), Err(EvalFault::Unset("other".into())));
}

#[test]
fn instants_come_in_every_form() {
    let json = r#"{"s": 1738356858, "ms": "1790665451546", "t": "2027-12-31T23:59:59Z", "z": "2026-01-09T15:23:13.373329235Z",
        "naive": "2024-05-22T06:07:12.495520", "day": "2025-01-01", "left": 3600, "zero": 0, "null": null, "far": 1e20, "no": "soon"}"#;
    let at = |formula: &str| with(json, formula, |f, s| f.instant(s).map(|t| t.map(|t| t.0)));
    assert_eq!(at("unix(s)"), Ok(Some(1_738_356_858_000)));
    assert_eq!(at("millis(ms)"), Ok(Some(1_790_665_451_546)));
    assert_eq!(at("time(t)"), Ok(Some(1_830_297_599_000)));
    assert_eq!(at("time(z)"), Ok(Some(1_767_972_193_373)));
    assert_eq!(at("time(naive)"), Ok(Some(1_716_358_032_495)));
    assert_eq!(at("time(day)"), Ok(Some(1_735_689_600_000)));
    assert_eq!(at("after(left)"), Ok(Some(NOW.0 + 3_600_000)));
    for nothing in ["unix(zero)", "time(\"null\")", "unix(gone?)", "after(gone?)"] {
        assert_eq!(at(nothing), Ok(None), "{nothing}");
    }
    assert_eq!(at("unix(far)"), Err(EvalFault::TooLarge));
    assert!(at("time(no)").is_err() && at("s").is_err() && at("time(s)").is_err());
}

#[test]
fn a_formula_that_makes_no_sense_says_where_and_why() {
    for (formula, part) in [
        ("", "at character 1: a value is missing"),
        ("a +", "at character 4: a value is missing at the end"),
        ("a b", "at character 3: `b` is not expected here"),
        ("(a", "`)` is missing"),
        ("'a", "a quote is not closed"),
        ("a ^ b", "`^` means nothing here"),
        ("summe(a)", "no function `summe`; there are first, sum"),
        ("sum()", "`sum` takes a path over a list"),
        ("missing(1)", "`missing` takes a path"),
        ("list[].x - 1", "only sum, min, max and count"),
        ("sum(list[].x - 1)", "only sum, min, max and count"),
        ("list[a]", "`=` is missing"),
        ("list[a=b]", "a 'text', a number"),
        ("5h", "a number is not understood"),
        ("a..b", "a name is missing"),
        (&"(".repeat(500), "too deep"),
        (&"-".repeat(500), "too deep"),
        (&"a".repeat(3000), "more than 2000"),
    ] {
        let fault = Formula::parse(formula).unwrap_err().to_string();
        assert!(fault.contains(part), "{formula}: {fault}");
    }
    assert_eq!(Formula::parse("a[b=param(x)] + param(y)?").unwrap().params(), ["x", "y"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_formula_panics(text in "[ab0-9 .,()\\[\\]=<>!?$@'\"+*/-]{0,60}|(sum|first|if|unix|not|in|a|\\(|\\)|,|\\[\\]|-| ){0,30}|\\PC{0,40}") {
        let root = read(r#"{"a": [{"b": 1e28}, {"b": "x"}], "b": -1e-28}"#);
        let params = BTreeMap::new();
        if let Ok(formula) = Formula::parse(&text) {
            for here in [&root, &Node::Null] {
                let scope = Scope { root: &root, here, params: &params, now: NOW, http: 200 };
                let _ = (formula.amount(&scope), formula.text(&scope), formula.instant(&scope), formula.holds(&scope));
            }
        }
    }
}
