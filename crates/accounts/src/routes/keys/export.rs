//! `POST /keys/export` and `/keys/copy`.

use super::list::NO_STORE;
use super::note;
use super::shapes::KeyJson;
use crate::keys::csv::cell;
use crate::keys::{KeyFilter, Selection};
use crate::routes::AccountsState;
use crate::store::keys::{KeyRow, keys_after, sealed_after};
use api::openapi::{Files, Reply};
use api::{Admin, ApiError, Data, Json, Reader};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, header};
use futures::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;

/// Keys read at once.
const STEP: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "KeyExportFormat")]
enum Format {
    Csv,
    Json,
    Txt,
}

/// A selection, the form, and whether the keys themselves are wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyExport")]
pub(super) struct Exporting {
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
    format: Format,
    #[serde(default)]
    secrets: bool,
}

pub(super) async fn export(
    reader: Reader,
    State(state): State<AccountsState>,
    Json(body): Json<Exporting>,
) -> Result<Reply<Files<Exported>>, ApiError> {
    let selection = super::chosen(body.ids, body.filter, body.all)?;
    if body.secrets {
        let admin = reader.as_admin()?;
        note(&state, admin.name, "key.export", format!("{} with secrets", selection.described())).await?;
    }
    let (kind, file) = match body.format {
        Format::Csv => ("text/csv; charset=utf-8", "keys.csv"),
        Format::Json => ("application/json", "keys.json"),
        Format::Txt => ("text/plain; charset=utf-8", "keys.txt"),
    };
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), disposition(file)];
    let source = Source { state, selection, format: body.format, secrets: body.secrets, after: i64::MIN, at: At::Head };
    let chunks = stream::try_unfold(source, |mut source| async move {
        let chunk = source.next().await.map_err(|e| {
            // The status is sent already: breaking off is the only way left to say that something is missing.
            tracing::error!(error = %e, "an export broke off");
            io::Error::other("the export broke off")
        })?;
        Ok::<_, io::Error>(chunk.map(|chunk| (chunk, source)))
    });
    Ok(Reply::of((NO_STORE, headers, Body::from_stream(chunks))))
}

fn disposition(file: &str) -> (HeaderName, String) {
    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\""))
}

#[derive(PartialEq, Eq)]
enum At {
    Head,
    First,
    Rows,
    End,
}

/// An export under way; holds no more than a step of it.
struct Source {
    state: AccountsState,
    selection: Selection,
    format: Format,
    secrets: bool,
    after: i64,
    at: At,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeyExported")]
pub(super) struct Exported {
    #[serde(flatten)]
    key_of: KeyJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Source {
    async fn next(&mut self) -> Result<Option<Bytes>, store::StoreError> {
        match self.at {
            At::End => return Ok(None),
            At::Head => {
                self.at = At::First;
                let head = match self.format {
                    Format::Csv => CSV_HEAD,
                    Format::Json => "[",
                    Format::Txt => "",
                };
                if !head.is_empty() {
                    return Ok(Some(Bytes::from_static(head.as_bytes())));
                }
            }
            At::First | At::Rows => {}
        }
        let rows = keys_after(&self.state.store, &self.selection, self.after, STEP).await?;
        let Some(last) = rows.last().map(|row| row.id) else {
            self.at = At::End;
            return Ok((self.format == Format::Json).then(|| Bytes::from_static(b"\n]\n")));
        };
        let keys = if self.secrets { self.opened(self.after).await? } else { HashMap::new() };
        let mut text = String::with_capacity(rows.len() * 160);
        for row in rows {
            let key = keys.get(&row.id).map(String::as_str);
            self.write(&mut text, row, key)?;
            self.at = At::Rows;
        }
        self.after = last;
        Ok(Some(Bytes::from(text)))
    }

    /// The keys themselves. One that cannot be opened is left out: the rest is wanted all the same.
    async fn opened(&self, after: i64) -> Result<HashMap<i64, String>, store::StoreError> {
        let sealed = sealed_after(&self.state.store, &self.selection, after, STEP).await?;
        let open = |(id, sealed): (i64, String)| match self.state.keyring.open(&sealed) {
            Ok(key) => Some((id, key)),
            Err(error) => {
                tracing::warn!(key = id, %error, "a key cannot be opened and is left out of an export");
                None
            }
        };
        Ok(sealed.into_iter().filter_map(open).collect())
    }

    fn write(&self, text: &mut String, row: KeyRow, key: Option<&str>) -> Result<(), store::StoreError> {
        match self.format {
            Format::Csv => csv_line(text, &row, key),
            Format::Txt => {
                let line = if self.secrets { key } else { Some(row.mask.as_str()) };
                if let Some(line) = line {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            Format::Json => {
                text.push_str(if self.at == At::Rows { ",\n" } else { "\n" });
                let exported = Exported { key_of: row.into(), key: key.map(str::to_owned) };
                let json = serde_json::to_string(&exported);
                let json = json.map_err(|e| store::StoreError::Decode { column: 0, message: e.to_string() })?;
                text.push_str(&json);
            }
        }
        Ok(())
    }
}

const CSV_HEAD: &str = "id,name,key,mask,provider,tags,org,status,remaining,total,used,used_ratio,unit,expires_at,\
     checked_at,good_at,error\r\n";

fn csv_line(text: &mut String, row: &KeyRow, key: Option<&str>) {
    let known = |value: Option<String>| value.unwrap_or_default();
    let reading = row.reading.as_ref();
    let amount = |pick: fn(&crate::Reading) -> Option<rust_decimal::Decimal>| {
        known(reading.and_then(pick).map(|d| d.to_string()))
    };
    let time = |at: Option<model::Timestamp>| known(at.map(|t| t.to_string()));
    let tags = row.tags.join(" ");
    // A number may begin with a minus; the rest is text of others.
    let amounts =
        [amount(|r| r.remaining), amount(|r| r.total), amount(|r| r.used), amount(|r| r.used_ratio)].join(",");
    let _ = write!(
        text,
        "{},{},{},{},{},{},{},{},{amounts},{},{},{},{},{}\r\n",
        row.id,
        cell(&row.name),
        cell(key.unwrap_or_default()),
        cell(&row.mask),
        cell(&row.provider),
        cell(&tags),
        cell(row.org.as_deref().unwrap_or_default()),
        row.status,
        cell(reading.and_then(|r| r.unit.as_deref()).unwrap_or_default()),
        time(reading.and_then(|r| r.expires_at)),
        time(row.checked_at),
        time(row.good_at),
        cell(row.error.as_deref().unwrap_or_default()),
    );
}

/// A body that only chooses.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyCopy")]
pub(super) struct Copying {
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeysCopied")]
pub(super) struct Copied {
    text: String,
    count: u64,
}

/// The keys themselves, one in a line.
pub(super) async fn copy(
    admin: Admin,
    State(state): State<AccountsState>,
    Json(body): Json<Copying>,
) -> Result<([(HeaderName, &'static str); 1], Data<Copied>), ApiError> {
    let selection = super::chosen(body.ids, body.filter, body.all)?;
    note(&state, admin.name, "key.copy", selection.described()).await?;
    let (mut text, mut count, mut after) = (String::new(), 0, i64::MIN);
    loop {
        let sealed = sealed_after(&state.store, &selection, after, STEP).await?;
        let Some((last, _)) = sealed.last() else { return Ok((NO_STORE, Data::of(Copied { text, count }))) };
        after = *last;
        for (id, sealed) in &sealed {
            match state.keyring.open(sealed) {
                Ok(key) => {
                    text.push_str(&key);
                    text.push('\n');
                    count += 1;
                }
                Err(error) => tracing::warn!(key = id, %error, "a key cannot be opened and is not copied"),
            }
        }
    }
}
