//! What handlers take, as it is described.

use super::Sketch;
use crate::extract::object;
use crate::{Admin, ApiError, Json, Operator, Path, Reader, Viewer};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::marker::PhantomData;

/// A parameter of a handler that says what a request needs for it; by default nothing.
pub trait Takes {
    /// Writes it down.
    fn describe(_sketch: &mut Sketch<'_>) {}
}

impl<S> Takes for State<S> {}

/// A parameter whose refusal the handler answers itself.
impl<T: Takes, E> Takes for Result<T, E> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
    }
}

impl<T> Takes for Extension<T> {}
impl Takes for HeaderMap {}
impl Takes for Request {}
impl Takes for Viewer {}
impl Takes for Reader {}
impl Takes for Operator {}
impl Takes for Admin {}

impl<T: JsonSchema> Takes for Json<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.given::<T>();
        sketch.body(true, &[("application/json", schema)]);
        refused_bodies(sketch);
    }
}

fn refused_bodies(sketch: &mut Sketch<'_>) {
    for status in [400, 413, 415] {
        sketch.refusal(status);
    }
}

/// What stands in a path.
pub trait InPath {
    /// Name, sentence and schema of each part.
    fn parts() -> Vec<(&'static str, &'static str, serde_json::Value)>;
}

/// A number of the store.
impl InPath for i64 {
    fn parts() -> Vec<(&'static str, &'static str, serde_json::Value)> {
        vec![("id", "Its number.", json!({ "type": "integer", "format": "int64" }))]
    }
}

impl<T: InPath> Takes for Path<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        for (name, about, schema) in T::parts() {
            sketch.parameter("path", name, true, about, schema);
        }
        sketch.refusal(400);
        sketch.refusal(404);
    }
}

/// A body that the handler reads by itself: `T` says what it may be.
pub struct Raw<T, B = Bytes>(pub B, PhantomData<T>);

/// What a [`Raw`] body may be.
pub trait BodyOf {
    /// Writes it down.
    fn describe(sketch: &mut Sketch<'_>);
}

/// `T` as JSON, or no body at all.
pub struct Optional<T>(PhantomData<T>);

impl<T: JsonSchema> BodyOf for Optional<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.given::<T>();
        sketch.body(false, &[("application/json", schema)]);
    }
}

/// `T` as JSON, or a table.
pub struct JsonOrCsv<T>(PhantomData<T>);

impl<T: JsonSchema> BodyOf for JsonOrCsv<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.given::<T>();
        sketch.body(true, &[("application/json", schema), ("text/csv", json!({ "type": "string" }))]);
    }
}

/// `T` as JSON, a table, or lines.
pub struct JsonOrText<T>(PhantomData<T>);

impl<T: JsonSchema> BodyOf for JsonOrText<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let (schema, text) = (sketch.given::<T>(), json!({ "type": "string" }));
        let media = [("application/json", schema), ("text/csv", text.clone()), ("text/plain", text)];
        sketch.body(true, &media);
    }
}

impl<T: BodyOf, B> Takes for Raw<T, B> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
        refused_bodies(sketch);
    }
}

impl<T: DeserializeOwned> Raw<Optional<T>> {
    /// What the body says; `None` when there is none.
    pub fn read(&self) -> Result<Option<T>, ApiError> {
        if self.0.trim_ascii().is_empty() { Ok(None) } else { object(&self.0).map(Some) }
    }
}

impl<T, S: Send + Sync> FromRequest<S> for Raw<T, Bytes> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
        bytes.map(|bytes| Self(bytes, PhantomData)).map_err(|e| ApiError::new(e.status(), e.body_text()))
    }
}

impl<T, S: Send + Sync> FromRequest<S> for Raw<T, Request<Body>> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(request, PhantomData))
    }
}
