//! What handlers answer, as it is described.

use super::Sketch;
use crate::{ApiError, Data, List};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::marker::PhantomData;

/// The answer of a handler, which says what it looks like.
pub trait Answers: IntoResponse {
    /// Writes it down.
    fn describe(sketch: &mut Sketch<'_>);
}

const JSON: &str = "application/json";

fn envelope(data: Value) -> Value {
    let code = json!({ "type": "integer", "const": 0 });
    json!({ "type": "object", "required": ["code", "data"], "properties": { "code": code, "data": data } })
}

impl<T: Serialize + JsonSchema> Answers for Data<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = envelope(sketch.told::<T>());
        sketch.answer(200, "It went well.", &[(JSON, schema)]);
    }
}

impl<T: Serialize + JsonSchema> Answers for List<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let mut schema = envelope(json!({ "type": "array", "items": sketch.told::<T>() }));
        for name in ["total", "page", "page_size"] {
            schema["properties"][name] = json!({ "type": "integer", "minimum": 0 });
            schema["required"].as_array_mut().into_iter().for_each(|all| all.push(name.into()));
        }
        sketch.answer(200, "A page of the list.", &[(JSON, schema)]);
    }
}

/// Outside of the envelope: the shapes of the systems replaced.
impl<T: Serialize + JsonSchema> Answers for axum::Json<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.told::<T>();
        sketch.answer(200, "It went well.", &[(JSON, schema)]);
    }
}

impl<T: Answers> Answers for Result<T, ApiError> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
        for status in [500, 503] {
            sketch.refusal(status);
        }
    }
}

/// With headers of its own.
impl<T: Answers, const N: usize> Answers for ([(HeaderName, &'static str); N], T) {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
    }
}

/// 201: it was made.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: IntoResponse> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, self.0).into_response()
    }
}

impl<T: Answers> Answers for Created<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
        if let Some(mut made) = sketch.answers.remove(&200) {
            made["description"] = "It was made.".into();
            sketch.answers.insert(201, made);
        }
    }
}

/// An answer that was put together by hand and looks like `T`.
#[derive(Debug)]
pub struct Reply<T>(Response, PhantomData<T>);

impl<T> Reply<T> {
    /// Promises that `response` looks like `T`; the test that asks every route holds it to that.
    pub fn of(response: impl IntoResponse) -> Self {
        Self(response.into_response(), PhantomData)
    }
}

impl<T> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: Shaped> Answers for Reply<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
    }
}

/// What a [`Reply`] may look like.
pub trait Shaped {
    /// Writes it down.
    fn describe(sketch: &mut Sketch<'_>);
}

impl<T: Answers> Shaped for T {
    fn describe(sketch: &mut Sketch<'_>) {
        <T as Answers>::describe(sketch);
    }
}

/// `T` as JSON with an entity tag; 304 to those who have it already.
#[derive(Debug)]
pub struct Tagged<T>(PhantomData<T>);

impl<T: JsonSchema> Shaped for Tagged<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.told::<T>();
        sketch.answer(200, "It went well.", &[(JSON, schema)]);
        sketch.answer(304, "As it was under the tag in `If-None-Match`.", &[]);
    }
}

/// `T` as JSON, with 200 when all is well and 503 when not.
#[derive(Debug)]
pub struct Condition<T>(PhantomData<T>);

impl<T: JsonSchema> Shaped for Condition<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.told::<T>();
        sketch.answer(200, "Well.", &[(JSON, schema.clone())]);
        sketch.answer(503, "Not well.", &[(JSON, schema)]);
    }
}

/// `T` as JSON, also when it was refused: some systems replaced had an envelope of their own.
#[derive(Debug)]
pub struct OldEnvelope<T>(PhantomData<T>);

impl<T: JsonSchema> Shaped for OldEnvelope<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.told::<T>();
        sketch.answer(200, "It went well.", &[(JSON, schema.clone())]);
        for (status, about) in [(400, "The request is wrong."), (404, "Not there."), (409, "It does not fit.")] {
            sketch.answer(status, about, &[(JSON, schema.clone())]);
        }
        for status in [413, 415, 500, 503] {
            sketch.answer(status, "Not done.", &[(JSON, schema.clone())]);
        }
    }
}

/// A list to be kept as a file: a table, JSON with rows like `T`, or lines.
#[derive(Debug)]
pub struct Files<T>(PhantomData<T>);

impl<T: JsonSchema> Shaped for Files<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let (rows, text) = (json!({ "type": "array", "items": sketch.told::<T>() }), json!({ "type": "string" }));
        sketch.answer(200, "The file.", &[(JSON, rows), ("text/csv", text.clone()), ("text/plain", text)]);
    }
}

/// Metrics as text.
#[derive(Debug)]
pub struct Exposition;

impl Shaped for Exposition {
    fn describe(sketch: &mut Sketch<'_>) {
        let text = json!({ "type": "string" });
        let forms = [("text/plain", text.clone()), ("application/openmetrics-text", text)];
        sketch.answer(200, "Every metric.", &forms);
        sketch.refusal(401);
    }
}

impl<S> Answers for Sse<S>
where
    Sse<S>: IntoResponse,
{
    fn describe(sketch: &mut Sketch<'_>) {
        let text = || json!({ "type": "string" });
        let fields = json!({ "event": text(), "id": text(), "data": text() });
        let event = json!({ "type": "object", "description": "One event.", "properties": fields });
        sketch.answer(200, "Events, without end.", &[("text/event-stream", event)]);
    }
}
