//! What a client is told when something is wrong.

use crate::Role;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;
use store::StoreError;

/// A refused or failed request: `{"code":<http status>,"message":"…"}`. The cause of an internal error is logged once,
/// under the request id that the client gets in `x-request-id`; its text stays inside.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
    cause: Option<Arc<str>>,
}

/// The inside text of an error, on its way from the handler to the log.
#[derive(Clone)]
pub(crate) struct Cause(pub Arc<str>);

impl ApiError {
    /// An error with a status of its own.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None, cause: None }
    }

    /// 400: what is wrong and where.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no credential, or a wrong one.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "needs a key or token as `X-API-Key` or `Authorization: Bearer`, or a log-in",
        )
    }

    /// 401: the log-in does not say what of it was wrong.
    pub(crate) fn wrong_log_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "name, password or key is wrong")
    }

    /// 403: known, and not allowed to.
    pub fn forbidden(needed: Role) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("needs the role {} or above", needed.as_str()))
    }

    /// 403: not sent by a page of ours.
    pub(crate) fn foreign(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: `what` is not there.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// 409: it does not fit what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 429: again after so many seconds.
    pub fn too_many(retry_after: u64) -> Self {
        let message = format!("too many requests; try again in {retry_after} s");
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// 503: not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
    }

    /// 500: `cause` goes to the log, the client learns nothing of it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error");
        Self { cause: Some(cause.to_string().into()), ..error }
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Busy(_) => {
                Self { cause: Some(e.to_string().into()), ..Self::unavailable("busy; try again in a moment") }
            }
            StoreError::Conflict(_) => Self::conflict("already there"),
            other => Self::internal(other),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "code": self.status.as_u16(), "message": self.message }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}
