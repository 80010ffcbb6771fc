//! The leaderboard over HTTP.

use super::MarketState;
use crate::leaderboard::{Ranking, Which};
use api::{ApiError, Params};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) async fn leaderboard(State(state): State<MarketState>, params: Params) -> Result<Response, ApiError> {
    params.only(&["type", "hours", "limit"])?;
    let which = which(&params)?;
    let bytes = state.board.answer(which).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

fn which(params: &Params) -> Result<Which, ApiError> {
    let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Which {
        ranking: params.choice("type", Ranking::WORDS)?.unwrap_or(Ranking::Hot),
        hours: number(params.number("hours", 1..=168)?.unwrap_or(24)),
        limit: number(params.number("limit", 1..=100)?.unwrap_or(10)),
    })
}
