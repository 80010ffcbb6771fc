//! The leaderboard over HTTP.

use super::MarketState;
use crate::leaderboard::{BoardJson, Ranking, Which};
use api::openapi::{Declared, Parameter, Reply};
use api::{ApiError, Data, Params, words};
use axum::extract::State;
use axum::http::header;

/// Which leaderboard.
pub(crate) struct AskedBoard;

impl Declared for AskedBoard {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::word("type", &words(&Ranking::WORDS), "What is ranked by; hot without it."),
        Parameter::number("hours", 1, 168, Some(24), "Length of the window, which ends with the last complete hour."),
        Parameter::number("limit", 1, 100, Some(10), "Rows at most."),
    ];
}

pub(super) async fn leaderboard(
    State(state): State<MarketState>,
    params: Params<AskedBoard>,
) -> Result<Reply<Data<BoardJson<'static>>>, ApiError> {
    let which = Which {
        ranking: params.choice("type", &Ranking::WORDS).unwrap_or(Ranking::Hot),
        hours: params.count("hours"),
        limit: params.count("limit"),
    };
    let bytes = state.board.answer(which).await?;
    Ok(Reply::of(([(header::CONTENT_TYPE, "application/json")], bytes)))
}
