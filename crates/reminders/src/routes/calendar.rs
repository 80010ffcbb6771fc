//! What is renewed when.

use super::RemindersState;
use crate::store::list_subscriptions;
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, Params, Reader};
use axum::extract::State;
use jiff::Span;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest calendar: two years.
const MOST_DAYS: i64 = 731;
/// The most entries of one answer.
const MOST: usize = 20_000;

#[derive(Serialize, JsonSchema)]
pub(super) struct Calendar {
    from: String,
    to: String,
    /// What the renewals cost, by currency; those without an amount are not in it.
    totals: BTreeMap<String, String>,
    renewals: Vec<Renewal>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CalendarRenewal")]
struct Renewal {
    date: String,
    subscription_id: i64,
    name: String,
    owner_project: String,
    cycle_type: &'static str,
    amount: Option<String>,
    currency: String,
    renewed: bool,
}

/// Which days.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::date("from", "The first day; today without it."),
        Parameter::date("to", "The last day; a quarter later without it."),
    ];
}

pub(super) async fn calendar(
    _: Reader,
    State(state): State<RemindersState>,
    params: Params<Asked>,
) -> Result<Data<Calendar>, ApiError> {
    let today = state.subscriptions.zone.date(state.now()).ok_or_else(|| ApiError::internal("no date"))?;
    let from = date(&params, "from")?.unwrap_or(today);
    let later = from.checked_add(Span::new().days(91)).unwrap_or(Date::MAX);
    let to = date(&params, "to")?.unwrap_or(later);
    if !(0..MOST_DAYS).contains(&crate::cycle::days_between(from, to)) {
        return Err(ApiError::bad_request(format!("to must be from or up to {MOST_DAYS} days later")));
    }
    let mut totals = BTreeMap::<String, Decimal>::new();
    let mut renewals = Vec::new();
    for row in list_subscriptions(&state.store).await?.into_iter().filter(|s| s.draft.enabled) {
        let (draft, terms) = (&row.draft, &row.draft.terms);
        let last = terms.end.map_or(to, |end| end.min(to));
        let paid = terms.paid();
        for day in terms.cycle.between(from, last) {
            if renewals.len() == MOST {
                return Err(ApiError::bad_request(format!("more than {MOST} renewals; ask for fewer days")));
            }
            if let Some(amount) = draft.amount {
                *totals.entry(draft.currency.clone()).or_default() += amount;
            }
            renewals.push((
                day,
                row.id,
                Renewal {
                    date: day.to_string(),
                    subscription_id: row.id,
                    name: draft.name.clone(),
                    owner_project: draft.project.clone(),
                    cycle_type: terms.cycle.kind().as_str(),
                    amount: draft.amount.map(|a| a.to_string()),
                    currency: draft.currency.clone(),
                    renewed: paid.is_some_and(|paid| paid >= day),
                },
            ));
        }
    }
    renewals.sort_by_key(|(day, id, _)| (*day, *id));
    Ok(Data::of(Calendar {
        from: from.to_string(),
        to: to.to_string(),
        totals: totals.into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect(),
        renewals: renewals.into_iter().map(|(_, _, renewal)| renewal).collect(),
    }))
}

fn date(params: &Params<Asked>, name: &str) -> Result<Option<Date>, ApiError> {
    let read = params.text(name).map(|text| text.parse::<Date>());
    read.transpose().map_err(|_| ApiError::bad_request(format!("{name} must be a date as YYYY-MM-DD")))
}
