//! The two forms of the answer. Prometheus asks for OpenMetrics, where a counter is described without the `_total` of its
//! samples; everybody else gets the plain form 0.0.4, where the names must be the same.

use axum::http::{HeaderMap, header};
use std::fmt::Write as _;

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Plain,
}

impl Format {
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accepted.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Plain }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The plain form of an OpenMetrics text.
pub(super) fn plain(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + 1024);
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" {
            continue;
        }
        // The type decides the name of the help before it.
        let described = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let kind = lines.peek().and_then(|next| next.strip_prefix("# TYPE ")).and_then(|rest| rest.split_once(' '));
        match (described, kind) {
            (Some((name, help)), Some((_, kind))) => {
                let suffix = if kind == "counter" { "_total" } else { "" };
                // OpenMetrics ends every help with a full stop.
                let help = help.strip_suffix('.').unwrap_or(help);
                let _ = writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
                lines.next();
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_one_name_and_nothing_else_changes() {
        let open = "# HELP a_requests Requests.\n# TYPE a_requests counter\na_requests_total{x=\"# HELP\"} 3\n\
                    # HELP b_total Scans.\n# TYPE b_total gauge\nb_total 1\n# EOF\n";
        let expected = "# HELP a_requests_total Requests\n# TYPE a_requests_total counter\n\
                        a_requests_total{x=\"# HELP\"} 3\n# HELP b_total Scans\n# TYPE b_total gauge\nb_total 1\n";
        assert_eq!(plain(open), expected);
    }

    #[test]
    fn who_does_not_ask_for_openmetrics_gets_the_plain_form() {
        let mut headers = HeaderMap::new();
        assert_eq!(Format::wanted(&headers), Format::Plain);
        headers.insert(header::ACCEPT, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5".parse().unwrap());
        assert_eq!(Format::wanted(&headers), Format::OpenMetrics);
    }
}
