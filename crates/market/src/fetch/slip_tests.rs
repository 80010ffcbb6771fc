use super::*;
use crate::fetch::stream::tests::{SINCE, row};
use crate::fetch::stream::{Stream, crawl};
use crate::fetch::wire::RowStatus;
use async_trait::async_trait;
use engine::FetchError;
use proptest::prelude::*;
use std::sync::Mutex;

const PAGE: usize = 10;

/// What happens to the market before a request is answered.
#[derive(Clone, Debug)]
enum Move {
    Nothing,
    /// The index shows a listing at this place from the top.
    List(usize),
    /// The row at this place, from the top, is bought, or the next that was there from the beginning.
    Buy(usize),
    /// The row at this place is edited, and so comes to the top.
    Edit(usize),
    /// The request fails.
    Fail,
}

/// Listings on sale, newest first, and what was bought of them.
struct Moving {
    state: Mutex<(Vec<Row>, Vec<Row>, usize)>,
    moves: Vec<Move>,
}

impl Moving {
    /// One listing a minute, the newest an hour after the previous crawl: sixty are new.
    fn new(moves: Vec<Move>) -> Self {
        let rows = (0..100).map(|n| row(n, 3_600 - 60 * n as i64)).collect();
        Self { state: Mutex::new((rows, Vec::new(), 0)), moves }
    }

    fn rows(&self) -> Vec<Row> {
        self.state.lock().unwrap().0.clone()
    }
}

#[async_trait]
impl SearchPages for Moving {
    async fn page(&self, statuses: Statuses, _: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let mut state = self.state.lock().unwrap();
        let (rows, sold, asked) = &mut *state;
        *asked += 1;
        let now = 3_600 + *asked as i64;
        match self.moves.get(*asked - 1).cloned().unwrap_or(Move::Nothing) {
            Move::Nothing => {}
            Move::List(at) => {
                let updated = if at == 0 { Some(Timestamp::from_secs(SINCE + now)) } else { rows[at - 1].updated };
                rows.insert(at, Row { source_id: format!("n{asked}"), updated, ..row(0, now) });
            }
            Move::Buy(at) => {
                let at = (at..rows.len()).find(|at| is_old(&rows[*at])).unwrap();
                let bought = rows.remove(at);
                sold.insert(
                    0,
                    Row { status: RowStatus::Trading, updated: Some(Timestamp::from_secs(SINCE + now)), ..bought },
                );
            }
            Move::Edit(at) => {
                let edited = rows.remove(at);
                rows.insert(0, Row { updated: Some(Timestamp::from_secs(SINCE + now)), ..edited });
            }
            Move::Fail => return Err(FetchError::Transient("away".into())),
        }
        let all = if statuses == Statuses::OnSale { rows } else { sold };
        let n: usize = token.map_or(0, |t| t.strip_prefix("v1:").unwrap().parse().unwrap());
        let served: Vec<Row> = all.iter().skip(n * PAGE).take(PAGE).cloned().collect();
        let more = all.len() > (n + 1) * PAGE;
        Ok(Page { rows: served, next_token: more.then(|| format!("v1:{}", n + 1)), ..Page::default() })
    }
}

/// Neither listed nor edited while the crawl lasts.
fn is_old(row: &Row) -> bool {
    row.source_id.starts_with('m') && row.updated <= Some(Timestamp::from_secs(SINCE + 3_600))
}

fn brief() -> Brief {
    Brief {
        since: Some(Timestamp::from_secs(SINCE)),
        pages_on_sale: 12,
        pages_sold: 12,
        ground_run_on_sale: 8,
        ..Brief::first("x")
    }
}

async fn on_sale(market: &Moving, brief: &Brief) -> Stream {
    crawl(market, brief).await.unwrap().on_sale
}

fn has(stream: &Stream, id: &str) -> bool {
    stream.rows.iter().any(|row| row.source_id == id)
}

#[tokio::test]
async fn a_row_that_slips_between_two_pages_is_found_by_looking_again() {
    // m3 goes when the first page is fetched and the second is not: m10 moves up.
    let market = Moving::new(vec![Move::Nothing, Move::Buy(3)]);
    let stream = on_sale(&market, &brief()).await;
    assert!(has(&stream, "m10"));
    assert_eq!((stream.doubt, stream.end), (None, crate::fetch::StreamEnd::Ground));
    // Bought as the crawl began, sold when the second stream was read: seen once, as sold.
    let seen = crawl(&Moving::new(vec![Move::Nothing, Move::Buy(30)]), &brief()).await.unwrap();
    assert!(!has(&seen.on_sale, "m30") && has(&seen.sold, "m30"), "never in neither");
}

#[tokio::test]
async fn what_comes_in_from_above_proves_the_boundary_by_itself() {
    // Each time something new pushes the last row of one page onto the next.
    let brief = Brief { since: Some(Timestamp::from_secs(SINCE + 2_500)), ..brief() };
    let still = Moving::new(vec![]);
    let stream = on_sale(&still, &brief).await;
    assert_eq!((stream.pages, stream.doubt), (6, None), "the top, two pages from below, and the top again");
    let pushed = Moving::new(vec![Move::Nothing, Move::List(0), Move::List(0)]);
    let stream = on_sale(&pushed, &brief).await;
    assert_eq!((stream.pages, stream.doubt), (5, None), "none but those that are walked, and the top");
}

#[tokio::test]
async fn what_cannot_be_proven_is_said() {
    let reached = |n: i64| Some(Timestamp::from_secs(SINCE + 3_600 - 60 * (10 * n + 9)));
    // A row slips, and something new comes in at every request after: nobody can know whether it was pushed down again.
    let mut moves = vec![Move::List(0); 40];
    (moves[0], moves[1]) = (Move::Nothing, Move::Buy(3));
    let stream = on_sale(&Moving::new(moves), &brief()).await;
    assert_eq!(stream.doubt, reached(0));
    // A request that fails proves nothing, and loses nothing of what was seen.
    let mut moves = vec![Move::Nothing; 9];
    moves.push(Move::Fail);
    let stream = on_sale(&Moving::new(moves), &brief()).await;
    assert_eq!(stream.doubt, reached(0), "down to the first boundary");
    assert!(has(&stream, "m0") && has(&stream, "m61"));
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::Nothing),
        1 => (0..5_usize).prop_map(Move::List),
        2 => (0..60_usize).prop_map(Move::Buy),
        1 => (0..60_usize).prop_map(Move::Edit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whatever moves while the pages are fetched: a new listing that stood still all the time is seen, or the crawl says
    /// that such listings may be missing.
    #[test]
    fn nothing_new_is_missed_in_silence(moves in prop::collection::vec(a_move(), 0..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let market = Moving::new(moves);
        let before = market.rows();
        let stream = runtime.block_on(on_sale(&market, &brief()));
        let after = market.rows();
        let new = |row: &&Row| row.updated > Some(Timestamp::from_secs(SINCE)) && row.updated > stream.doubt;
        let stood = before.iter().filter(|row| after.contains(row)).filter(new);
        for row in stood {
            prop_assert!(has(&stream, &row.source_id), "{} was missed, doubt {:?}", row.source_id, stream.doubt);
        }
        // Those that were edited meanwhile, too.
        let there = |row: &&Row| after.iter().any(|other| other.source_id == row.source_id);
        for row in before.iter().filter(new).filter(there).filter(|_| stream.doubt.is_none()) {
            prop_assert!(has(&stream, &row.source_id), "{} was missed", row.source_id);
        }
    }
}
