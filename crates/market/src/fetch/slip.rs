//! What may slip by between two pages of one stream while they are fetched.
//!
//! A page is a cut-out by place, not by time. A row that leaves from above (bought, deleted) pulls those below up, and
//! the one that stood first on the next page moves to the end of a page that was fetched already: nobody sees it. What
//! comes in above pushes down instead, and is seen as rows that come twice. So a boundary is proven when the next page
//! begins with the end of the one before, and else by going back up, from below: rows that are pulled up are met again, and
//! whether something came in and pushed them down is seen at the top of what is on sale, where all that is new comes in.
//! (What is listed and bought while the crawl lasts could hide from that.)

use super::client::Statuses;
use super::stream::{Brief, SearchPages, Walk};
use super::wire::{Page, Row, RowKind};
use model::{HOUR, Timestamp};

/// A personal row where it stood: an edit moves it to the top, and then it is another.
type Place = (String, Option<Timestamp>);

/// One page as it was served. Shops products and auctions move as they like and prove nothing.
struct Served {
    token: Option<String>,
    rows: Vec<Place>,
    /// The least `updated` down to here.
    reached: Option<Timestamp>,
}

impl Served {
    fn of(token: Option<&str>, rows: &[Row]) -> Self {
        let personal = rows.iter().filter(|row| row.kind == RowKind::Personal);
        let rows = personal.map(|row| (row.source_id.clone(), row.updated)).collect();
        Self { token: token.map(str::to_owned), rows, reached: None }
    }

    /// Whether `below` begins with the end of this page, so that nothing stood between them.
    fn meets(&self, below: &Self) -> bool {
        let first = below.rows.first().and_then(|first| self.rows.iter().position(|row| row == first));
        first.is_some_and(|at| below.rows.starts_with(&self.rows[at..]))
    }

    fn holds_the_same_as(&self, other: &Self) -> bool {
        let ids = |served: &Self| served.rows.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        ids(self) == ids(other)
    }

    /// Whether nothing came in at the top of what is on sale since `before`: what was not there stands at the end, pulled
    /// up. (A listing that the index shows late comes in below the newest.)
    fn has_no_newcomer_since(&self, before: &Self) -> bool {
        let was_there = |row: &Place| before.rows.contains(row);
        let pulled_up = self.rows.iter().skip_while(|row| was_there(row));
        self.rows.first().map_or(before.rows.is_empty(), was_there) && !pulled_up.into_iter().any(was_there)
    }
}

/// The pages of a stream under way.
#[derive(Default)]
pub(super) struct Slips {
    pages: Vec<Served>,
}

impl Slips {
    /// Remembers a page before its rows are taken.
    pub(super) fn served(&mut self, token: Option<&str>, page: &Page) {
        self.pages.push(Served::of(token, &page.rows));
    }

    /// Remembers how far the stream has come with it.
    pub(super) fn reached(&mut self, reached: Option<Timestamp>) {
        if let Some(last) = self.pages.last_mut() {
            last.reached = reached;
        }
    }

    /// Boundaries below which something new may lie and that nothing proves, from the top.
    fn open(&self, brief: &Brief) -> Vec<usize> {
        let pairs = self.pages.windows(2).enumerate();
        pairs.filter(|(n, pair)| self.matters(brief, *n) && !pair[0].meets(&pair[1])).map(|(n, _)| n).collect()
    }

    /// Whether something new may lie below page `n`.
    fn matters(&self, brief: &Brief, n: usize) -> bool {
        let newest = self.pages.first().and_then(|page| page.rows.iter().filter_map(|(_, updated)| *updated).max());
        // The first crawl looks back a day at most.
        let floor = brief.since.map(|since| since - brief.lag).or(newest.map(|newest| newest.plus(-24 * HOUR)));
        self.pages[n].reached.is_none_or(|reached| floor.is_none_or(|floor| reached > floor))
    }

    /// Looks again where a boundary is open. Answers up to which moment listings may be missing all the same.
    pub(super) async fn close(self, source: &(impl SearchPages + ?Sized), walk: &mut Walk<'_>) -> Option<Timestamp> {
        if self.pages.len() < 2 || !self.matters(walk.brief, 0) {
            return None;
        }
        let open = self.open(walk.brief);
        let unproven = match walk.statuses {
            Statuses::OnSale => {
                if self.climb(source, walk, &open).await {
                    None
                } else {
                    open.first().copied()
                }
            }
            Statuses::Sold => self.meet_again(source, walk, &open).await,
        };
        unproven.map(|n| self.pages[n].reached.unwrap_or(Timestamp(i64::MAX / 2)))
    }

    /// Goes back up what is on sale. True when nothing can have slipped by.
    async fn climb(&self, source: &(impl SearchPages + ?Sized), walk: &mut Walk<'_>, open: &[usize]) -> bool {
        // Also where every boundary is proven: a new listing that is edited before its page is fetched is at the top now.
        let Some(top) = self.again(source, walk, 0).await else { return false };
        let Some(deepest) = open.last().copied() else { return true };
        let quiet = top.has_no_newcomer_since(&self.pages[0]);
        // Nothing was pushed down so far: what was pulled up is still above its boundary.
        let below: Vec<usize> =
            if quiet { open.iter().copied().filter(|n| *n > 0).collect() } else { (1..=deepest + 1).collect() };
        let mut last = None;
        for n in below.iter().copied().rev().chain((!below.is_empty()).then_some(0)) {
            last = self.again(source, walk, n).await;
            if last.is_none() {
                return false;
            }
        }
        last.map_or(quiet, |last| last.has_no_newcomer_since(&top))
    }

    /// The same for what was sold, where a sale comes in anywhere: the first boundary that stays open.
    async fn meet_again(
        &self,
        source: &(impl SearchPages + ?Sized),
        walk: &mut Walk<'_>,
        open: &[usize],
    ) -> Option<usize> {
        let (mut unproven, mut below) = (None, None);
        for n in open.iter().copied().rev() {
            let Some(again) = self.again(source, walk, n).await else { return open.first().copied() };
            let lower = below.take().filter(|(at, _)| *at == n + 1).map(|(_, served)| served);
            let met = again.meets(lower.as_ref().unwrap_or(&self.pages[n + 1]));
            let still = n == 0 && again.holds_the_same_as(&self.pages[0]);
            if !met && !still {
                unproven = Some(n);
            }
            below = Some((n, again));
        }
        unproven
    }

    /// Page `n` once more, its rows added to the stream; `None` when it cannot be had.
    async fn again(&self, source: &(impl SearchPages + ?Sized), walk: &mut Walk<'_>, n: usize) -> Option<Served> {
        let token = self.pages[n].token.as_deref();
        let page = source.page(walk.statuses, &walk.brief.keyword, token).await.ok()?;
        let (served, duplicates) = (Served::of(token, &page.rows), walk.stream.duplicates);
        walk.add_all(page.rows);
        // That they come twice was meant.
        walk.stream.duplicates = duplicates;
        Some(served)
    }
}

#[cfg(test)]
#[path = "slip_tests.rs"]
mod tests;
