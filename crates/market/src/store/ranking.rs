//! Sums over a window of hours, for the leaderboards.

use model::Timestamp;
use store::{Store, StoreError, args};

/// What moved in the window, of one IP.
#[derive(Clone, Debug, PartialEq)]
pub struct Flows {
    /// The IP.
    pub ip_id: i64,
    /// Its names: search keyword, English, Chinese.
    pub names: (String, String, String),
    /// Listings that appeared.
    pub inflow: i64,
    /// Listings that were bought.
    pub outflow: i64,
    /// Shops products that appeared.
    pub shops_inflow: i64,
    /// Shops products that sold out.
    pub shops_outflow: i64,
    /// Any of the hours is a lower bound.
    pub saturated: bool,
    /// Complete hours in the window.
    pub hours: i64,
}

/// Sums per IP over the complete hours in `from..to`; IPs without a complete hour there are left out.
pub async fn flows_by_ip(store: &Store, from: Timestamp, to: Timestamp) -> Result<Vec<Flows>, StoreError> {
    let rows = store
        .query(
            "SELECT i.id, i.name, i.name_en, i.name_cn, CAST(SUM(h.inflow) AS @INT@), CAST(SUM(h.outflow) AS @INT@), \
             CAST(SUM(h.shops_inflow) AS @INT@), CAST(SUM(h.shops_outflow) AS @INT@), \
             CAST(SUM(h.inflow_gaps + h.outflow_gaps) AS @INT@), COUNT(*) \
             FROM hours h JOIN ips i ON i.id = h.ip_id \
             WHERE h.hour >= ? AND h.hour < ? AND h.hour + 3600000 <= i.covered_until AND i.status <> 'deleted' \
             GROUP BY i.id, i.name, i.name_en, i.name_cn ORDER BY i.id",
            args![from, to],
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok(Flows {
                ip_id: r.int(0)?,
                names: (r.text(1)?, r.text(2)?, r.text(3)?),
                inflow: r.int(4)?,
                outflow: r.int(5)?,
                shops_inflow: r.int(6)?,
                shops_outflow: r.int(7)?,
                saturated: r.int(8)? > 0,
                hours: r.int(9)?,
            })
        })
        .collect()
}
