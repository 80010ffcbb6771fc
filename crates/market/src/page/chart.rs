//! A bar for each hour. Horizontal places are percentages, vertical ones pixels, so that the chart is as wide as the
//! screen and its words stay legible.

use super::html::{Html, grouped};
use model::{HOUR, Timestamp, day_start};

/// What the chart shows of one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub hour: Timestamp,
    /// `None`: the hour is not known.
    pub value: Option<i64>,
    /// The value is a lower bound.
    pub saturated: bool,
}

/// One chart.
pub(super) struct Chart<'a> {
    /// What is counted: `Inflow`, `Outflow`.
    pub name: &'static str,
    /// Its colour: `in`, `out`.
    pub class: &'static str,
    /// What one of them is called.
    pub unit: &'static str,
    /// Oldest first, without holes in time.
    pub bars: &'a [Bar],
}

const PLOT: f64 = 112.0;
const TOP: f64 = 18.0;

impl Chart<'_> {
    pub fn draw(&self, h: &mut Html) {
        let max = self.bars.iter().filter_map(|b| b.value).max().unwrap_or(0);
        let top = round_up(max);
        self.head(h, max);
        self.days(h);
        h.raw("<text class=\"axis\" x=\"2\" y=\"12\">").text(grouped(top)).raw(" per hour</text>");
        h.raw("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"18\" y2=\"18\"/>");
        h.raw("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"74\" y2=\"74\"/>");
        for (i, bar) in self.bars.iter().enumerate() {
            self.bar(h, i, *bar, top);
        }
        h.raw("<line class=\"base\" x1=\"0\" x2=\"100%\" y1=\"130\" y2=\"130\"/></svg>");
    }

    fn head(&self, h: &mut Html, max: i64) {
        let unknown = self.bars.iter().filter(|b| b.value.is_none()).count();
        h.raw("<svg class=\"chart ").raw(self.class).raw("\" role=\"img\" width=\"100%\" height=\"150\" aria-label=\"");
        h.text(self.name).raw(" per hour over ").text(self.bars.len()).raw(" hours: at most ").text(grouped(max));
        if unknown > 0 {
            h.raw("; ").text(unknown).raw(" hours are not known");
        }
        h.raw("\"><defs><pattern id=\"hatch-").raw(self.class);
        h.raw(
            "\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
               <rect class=\"paper\" width=\"5\" height=\"5\"/><rect class=\"ink\" width=\"2.5\" height=\"5\"/>\
               </pattern></defs>",
        );
    }

    /// A line and a date where a Japanese day begins.
    fn days(&self, h: &mut Html) {
        let n = self.bars.len().max(1) as f64;
        for (i, bar) in self.bars.iter().enumerate().filter(|(_, b)| day_start(b.hour) == b.hour) {
            let at = 100.0 * i as f64 / n;
            let x = format!("{at:.2}%");
            h.raw("<line class=\"day\" x1=\"").text(&x).raw("\" x2=\"").text(&x).raw("\" y1=\"18\" y2=\"136\"/>");
            let date = bar.hour.to_rfc3339_jst();
            h.raw("<text class=\"axis\" y=\"147\" x=\"").text(&x);
            // The last date would run over the edge.
            h.raw(if at > 88.0 { "\" text-anchor=\"end\">" } else { "\">" });
            h.text(date.get(5..10).unwrap_or_default()).raw("</text>");
        }
    }

    fn bar(&self, h: &mut Html, i: usize, bar: Bar, top: i64) {
        let step = 100.0 / self.bars.len().max(1) as f64;
        let x = step * i as f64;
        let share = bar.value.unwrap_or(0) as f64 / top.max(1) as f64;
        // An hour in which nothing moved still has a mark, or it would look like one that is not known.
        let height = if bar.value.is_none() { PLOT } else { (share * PLOT).max(1.5) };
        let at = |h: &mut Html, y: f64, height: f64, margin: f64| {
            h.text(format_args!("{:.3}%", x + step * margin)).raw("\" width=\"");
            h.text(format_args!("{:.3}%", step * (1.0 - 2.0 * margin))).raw("\" y=\"");
            h.text(format_args!("{y:.1}")).raw("\" height=\"").text(format_args!("{height:.1}"));
        };
        h.raw("<g><title>").text(self.words(bar)).raw("</title><rect class=\"");
        h.raw(match bar {
            Bar { value: None, .. } => "gap",
            Bar { saturated: true, .. } => "bar bounded",
            Bar { .. } => "bar",
        });
        h.raw("\" x=\"");
        at(h, TOP + PLOT - height, height, if bar.value.is_none() { 0.0 } else { 0.12 });
        h.raw("\"/><rect class=\"touch\" x=\"");
        at(h, TOP, PLOT, 0.0);
        h.raw("\"/></g>");
    }

    fn words(&self, bar: Bar) -> String {
        let from = bar.hour.to_rfc3339_jst();
        let to = bar.hour.plus(HOUR).to_rfc3339_jst();
        let hour = format!("{} {}–{}", &from[5..10], &from[11..16], &to[11..16]);
        match (bar.value, bar.saturated) {
            (None, _) => format!("{hour}: not known"),
            (Some(n), true) => format!("{hour}: at least {} {}", grouped(n), self.unit),
            (Some(n), false) => format!("{hour}: {} {}", grouped(n), self.unit),
        }
    }
}

/// The next of 1, 2, 5 × 10ⁿ (at least 4), so that the axis ends at a number one can read.
fn round_up(max: i64) -> i64 {
    let mut step = 1_i64;
    loop {
        for factor in [1, 2, 4, 5, 8] {
            let top = step.saturating_mul(factor);
            if top >= max.max(4) {
                return top;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// A bar for every hour from `from` up to `to`; hours without a row are not known.
pub(super) fn fill(from: Timestamp, to: Timestamp, known: impl Fn(Timestamp) -> Option<(i64, bool)>) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut hour = from;
    while hour < to {
        let (value, saturated) = known(hour).map_or((None, false), |(n, s)| (Some(n), s));
        bars.push(Bar { hour, value, saturated });
        hour = hour.plus(HOUR);
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        assert_eq!([0, 4, 5, 6, 9, 11, 77, 101, 5_000].map(round_up), [4, 4, 5, 8, 10, 20, 80, 200, 5_000]);
        assert!(round_up(i64::MAX) > 0);
    }

    #[test]
    fn hours_without_a_row_are_gaps_and_hours_without_a_sale_are_not() {
        let from = Timestamp::from_secs(1_795_186_800);
        let bars = fill(from, from.plus(3 * HOUR), |h| (h != from).then_some((0, h == from.plus(HOUR))));
        let seen: Vec<_> = bars.iter().map(|b| (b.value, b.saturated)).collect();
        assert_eq!(seen, [(None, false), (Some(0), true), (Some(0), false)]);
        let mut h = Html::default();
        Chart { name: "Inflow", class: "in", unit: "listed", bars: &bars }.draw(&mut h);
        let svg = h.finish();
        assert_eq!(svg.matches("class=\"gap\"").count(), 1);
        assert_eq!(svg.matches("class=\"bar bounded\"").count(), 1);
        assert!(svg.contains("at least 0 listed") && svg.contains("not known"), "{svg}");
    }
}
