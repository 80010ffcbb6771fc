//! What a client is told when all is well.

use crate::Paging;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// One thing: `{"code":0,"data":…}`.
#[derive(Debug, Serialize)]
pub struct Data<T> {
    code: u8,
    data: T,
}

impl<T> Data<T> {
    /// Wraps `data`.
    pub const fn of(data: T) -> Self {
        Self { code: 0, data }
    }
}

/// A page of things: `{"code":0,"data":[…],"total":…,"page":…,"page_size":…}`.
#[derive(Debug, Serialize)]
pub struct List<T> {
    code: u8,
    data: Vec<T>,
    total: u64,
    page: u32,
    page_size: u32,
}

impl<T> List<T> {
    /// Wraps one page of `total` things.
    pub const fn of(data: Vec<T>, total: u64, paging: Paging) -> Self {
        Self { code: 0, data, total, page: paging.page, page_size: paging.page_size }
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
