//! The page: escaped, honest about what is not known, without inline script or style.

use crate::world::{Setup, flows, hour, start, world};
use reqwest::StatusCode;

#[tokio::test]
async fn an_empty_installation_says_what_to_do() {
    let w = world().await;
    let (status, page) = w.text("/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nothing is tracked yet") && !page.contains("Simulated data"), "{page}");
    let id = w.add("初音ミク").await;
    let (_, page) = w.text("/").await;
    assert!(page.contains("First crawl at <time datetime=\"2026-11-21T12:30:00+09:00\">"), "{page}");
    let (_, page) = w.text(&format!("/ip/{id}")).await;
    assert!(page.contains("No complete hour yet") && page.contains("First crawl at"), "{page}");
}

#[tokio::test]
async fn numbers_are_shown_with_their_limits() {
    let w = start(Setup { demo: true, ..Setup::default() }).await;
    let id = w.add("初音ミク").await;
    let mut changes = flows(&[(9, 1_234, 7), (11, 0, 3)], hour(12));
    changes.gap.outflow = Some((hour(11), hour(12)));
    w.record(id, &changes).await;
    let (_, page) = w.text("/?hours=24&type=inflow").await;
    assert!(page.contains("Simulated data") && page.contains("1,234") && page.contains("2 of 24 h"), "{page}");
    assert!(page.contains("href=\"/?type=inflow&amp;hours=24\" aria-current=\"page\""), "{page}");
    let (_, page) = w.text(&format!("/ip/{id}")).await;
    // Of 72 hours two are known; the latest has no inflow, so no index, and its outflow is a lower bound.
    assert_eq!(page.matches("class=\"gap\"").count(), 2 * 70, "{page}");
    assert_eq!(page.matches("class=\"bar bounded\"").count(), 1);
    assert!(page.contains("<dt>Liquidity</dt><dd><span class=\"unknown\""), "{page}");
    assert!(page.contains("at least 3 bought"), "{page}");
}

#[tokio::test]
async fn names_cannot_become_markup() {
    let w = world().await;
    let id = w.add("<script>alert(1)</script>\"'&").await;
    w.hours(id, &[(11, 1, 1)], hour(12)).await;
    for path in ["/?type=<b>".to_owned(), format!("/ip/{id}")] {
        let (status, page) = w.text(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"), "{page}");
        assert!(!page.contains(" style=") && !page.contains(" onclick="), "{page}");
    }
}

#[tokio::test]
async fn what_is_not_there_has_a_page_too() {
    let w = world().await;
    for path in ["/ip/7", "/ip/x", "/ip/99999999999999999999"] {
        let (status, page) = w.text(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(page.contains("No such IP"), "{page}");
    }
}

#[tokio::test]
async fn assets_are_sent_once() {
    let w = world().await;
    for (path, kind) in [("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")] {
        let path = format!("/assets/{path}");
        let first = w.request("GET", &path).send().await.unwrap();
        assert!(first.headers()["content-type"].to_str().unwrap().starts_with(kind));
        let etag = first.headers()["etag"].clone();
        let again = w.request("GET", &path).header("if-none-match", etag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
