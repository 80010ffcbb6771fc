//! The browser for the time when plain requests are refused.

use super::Check;
use crate::app::browsing::program;
use market::fetch::browser::version;
use settings::MarketSettings;

/// Finds the Chromium and asks it for its version; it opens no page. Nothing without the market watch.
pub(super) async fn browser(market: &MarketSettings) -> Option<Check> {
    const NAME: &str = "browser";
    if !market.enabled {
        return None;
    }
    let program = match program(&market.browser) {
        Ok(program) => program,
        Err(why) if market.browser.chrome_bin.as_os_str().is_empty() => {
            return Some(Check::note(NAME, format!("off: {why}")));
        }
        Err(why) => return Some(Check::bad(NAME, why, "correct or empty market.browser.chrome_bin (CHROME_BIN)")),
    };
    let shown = program.display();
    Some(match version(&program).await {
        Ok(version) => Check::ok(NAME, format!("{version} at {shown}")),
        Err(why) => Check::bad(NAME, format!("{shown} --version {why}"), "install Chromium again, or name another one"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[tokio::test]
    async fn a_browser_that_is_named_and_missing_is_to_be_mended() {
        let mut market = MarketSettings::default();
        market.browser.chrome_bin = "/nowhere/chromium".into();
        let found = browser(&market).await.unwrap();
        assert_eq!(found.state, State::Bad);
        assert!(found.detail.contains("/nowhere/chromium"), "{}", found.detail);
        market.browser.enabled = false;
        market.browser.chrome_bin = "".into();
        assert_eq!(browser(&market).await.unwrap().state, State::Note);
    }
}
