//! The tiles a search page shows, as rows: ids, titles, prices and whether they are sold. Times they do not show.

use super::tab::{Ask, TabError, ours};
use crate::fetch::wire::{Page, Row, RowKind, RowStatus, SkippedRow};
use chromiumoxide::error::CdpError;
use engine::FetchError;
use serde::Deserialize;
use std::collections::HashSet;
use std::time::Duration;

const LOOK: &str = include_str!("tiles.js");
/// Less than a screen, so that no row is passed between two looks: tiles off the screen lose their links.
const SCROLL: &str = "window.scrollBy(0, Math.floor(window.innerHeight * 0.6))";
const PAUSE: Duration = Duration::from_millis(80);
/// Looks at the end of the page without anything new before it counts as read.
const QUIET: u32 = 3;
const MAX_LOOKS: u32 = 400;
const NO_PRICE: i64 = 9_999_999;

#[derive(Debug, Default, Deserialize)]
struct Shown {
    tiles: Vec<Tile>,
    empty: bool,
    next: bool,
    bottom: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Tile {
    href: String,
    location: Option<String>,
    name: Option<String>,
    label: Option<String>,
    price: Option<String>,
    sticker: Option<String>,
    image: Option<String>,
}

/// Whether results stand there, or that there are none.
pub(super) async fn stand(page: &chromiumoxide::Page) -> Result<bool, CdpError> {
    // While a page is being replaced there is nothing to look at.
    let Ok(shown) = look(page).await else { return Ok(false) };
    Ok(shown.empty || !shown.tiles.is_empty())
}

/// Scrolls to the end and reads all tiles. `Malformed` when there are some and none makes sense.
pub(super) async fn read(page: &chromiumoxide::Page, ask: &Ask<'_>) -> Result<Page, TabError> {
    let (mut found, mut ids) = (Page::default(), HashSet::new());
    let (mut quiet, mut next) = (0, false);
    for _ in 0..MAX_LOOKS {
        let shown = look(page).await.map_err(ours)?;
        next |= shown.next;
        if shown.empty && ids.is_empty() {
            return Ok(Page { num_found: Some(0), ..found });
        }
        let fresh = shown.tiles.into_iter().filter(|tile| tile.is_result() && ids.insert(tile.href.clone()));
        let before = found.rows.len() + found.skipped.len();
        for tile in fresh {
            let index = found.rows.len() + found.skipped.len();
            match tile.row() {
                Ok(row) => found.rows.push(row),
                Err(reason) => found.skipped.push(SkippedRow { index, id: None, reason }),
            }
        }
        let grew = found.rows.len() + found.skipped.len() > before;
        quiet = if shown.bottom && !grew { quiet + 1 } else { 0 };
        if quiet >= QUIET {
            found.next_token = next.then(|| token_after(ask.token)).flatten();
            return if found.rows.is_empty() { Err(nothing(&found).into()) } else { Ok(found) };
        }
        page.evaluate_expression(SCROLL).await.map_err(ours)?;
        tokio::time::sleep(PAUSE).await;
    }
    Err(FetchError::Malformed(format!("search page: its end was not reached by scrolling {MAX_LOOKS} times")).into())
}

fn nothing(found: &Page) -> FetchError {
    let reason = found.skipped.first().map_or("no result among its tiles", |row| &row.reason);
    FetchError::Malformed(format!("search page: {reason}"))
}

async fn look(page: &chromiumoxide::Page) -> Result<Shown, CdpError> {
    let text: String = page.evaluate_expression(LOOK).await?.into_value()?;
    Ok(serde_json::from_str(&text)?)
}

/// The token after this one: `v1:` and the number of the page from 0.
fn token_after(token: Option<&str>) -> Option<String> {
    let page: u32 = token.map_or(Some(0), |token| token.strip_prefix("v1:")?.parse().ok())?;
    Some(format!("v1:{}", page.checked_add(1)?))
}

impl Tile {
    /// Not one of the shelves beside the results.
    fn is_result(&self) -> bool {
        self.location.as_deref().is_none_or(|place| place.starts_with("search_result:") && place.contains(":item_list"))
    }

    fn row(&self) -> Result<Row, String> {
        let path = self.href.split(['?', '#']).next().unwrap_or_default();
        let (kind, id) = match (path.rsplit_once("/item/"), path.rsplit_once("/shops/product/")) {
            (Some((_, id)), _) => (RowKind::Personal, id),
            (_, Some((_, id))) => (RowKind::Shops, id),
            _ => return Err("a link to no listing".into()),
        };
        let usable =
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !usable {
            return Err("a link with no usable id".into());
        }
        let is_bid = self.price.as_deref().is_some_and(|price| price.contains("現在"));
        let kind = if is_bid { RowKind::Auction } else { kind };
        let folder = if kind == RowKind::Shops { "shops/product" } else { "item" };
        Ok(Row {
            source_id: id.to_owned(),
            title: self.title(),
            price: self.price()?,
            status: self.status(),
            created: None,
            updated: None,
            image_url: self.image.clone().filter(|url| url.starts_with("http") && url.len() <= 2_000),
            item_url: format!("https://jp.mercari.com/{folder}/{id}"),
            kind,
        })
    }

    fn title(&self) -> String {
        let label = || self.label.as_deref().and_then(|label| label.rsplit_once("の画像")).map(|(name, _)| name);
        let name = self.name.as_deref().filter(|name| !name.trim().is_empty()).or_else(label).unwrap_or_default();
        name.trim().chars().filter(|c| !c.is_control()).take(300).collect()
    }

    fn status(&self) -> RowStatus {
        let sold = self.sticker.as_deref().is_some_and(|s| s.contains("売り切れ") || s.to_uppercase().contains("SOLD"));
        if sold { RowStatus::SoldOut } else { RowStatus::OnSale }
    }

    /// In yen: the label says so whatever currency is shown. `None` without a price; `Err` in another currency.
    fn price(&self) -> Result<Option<i64>, String> {
        let label = self.label.as_deref().and_then(|label| label.rsplit_once("の画像")).map(|(_, price)| price);
        let yen = label.and_then(yen_of_label).or_else(|| self.price.as_deref().and_then(yen_of_price));
        let shown = self.price.as_deref().is_some_and(|price| price.bytes().any(|b| b.is_ascii_digit()));
        match yen {
            None if shown => Err("a price that is not in yen".into()),
            yen => Ok(yen.filter(|yen| (1..NO_PRICE).contains(yen))),
        }
    }
}

/// `1,234円`, or `36,800yen` before a converted price.
fn yen_of_label(label: &str) -> Option<i64> {
    let end = label.find("円").or_else(|| label.find("yen"))?;
    digits(&label[..end])
}

/// `¥1,234`, `現在 ¥300`.
fn yen_of_price(price: &str) -> Option<i64> {
    let at = price.find(['¥', '￥']).map(|at| &price[at..]).or_else(|| price.contains('円').then_some(price))?;
    digits(at)
}

fn digits(text: &str) -> Option<i64> {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
#[path = "tiles_tests.rs"]
mod tests;
