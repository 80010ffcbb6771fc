//! Bodies with places to fill: `<left>`, `<used>`, `<total>`, `<gift>` (a tenth of what is left), `<paid>` (the rest),
//! `<plus>` (left and gift), with `-` before for the opposite, `*100` behind for minor units and `,` for groups;
//! `<now>`, `<begin>`, `<end>` with `:s`, `:ms` or `:iso`; `<secret>`, `<able>` (something is left).

use super::Amount;
use super::level::Level;

/// What a body is about.
pub(crate) struct Scene<'s> {
    pub(crate) secret: &'s str,
    pub(crate) seed: u64,
    pub(crate) level: Level,
    pub(crate) now_ms: i64,
}

#[derive(Clone, Copy)]
enum What {
    Left,
    Used,
    Total,
    Gift,
    Paid,
    Plus,
}

#[derive(Clone, Copy)]
enum When {
    Now,
    Begin,
    End,
}

#[derive(Clone, Copy)]
enum How {
    Seconds,
    Millis,
    Iso,
}

enum Piece {
    Text(&'static str),
    Sum { what: What, factor: i64, grouped: bool },
    Instant(When, How),
    Secret,
    Able,
}

/// A body with places to fill.
pub(crate) struct Template(Vec<Piece>);

impl Template {
    /// Reads a body; `<` begins a place.
    pub(crate) fn parse(text: &'static str) -> Template {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let (name, behind) = after.split_once('>').unwrap_or((after, ""));
            pieces.push(Piece::Text(before));
            pieces.push(piece(name));
            rest = behind;
        }
        pieces.push(Piece::Text(rest));
        Template(pieces)
    }

    pub(crate) fn fill(&self, scene: &Scene<'_>, places: u8, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Sum { what, factor, grouped } => {
                    let shown = if factor.abs() == 1 { places } else { 0 };
                    scene.sum(*what, places).write(out, *factor, shown, *grouped);
                }
                Piece::Instant(when, how) => scene.instant(*when, *how, out),
                Piece::Secret => out.push_str(scene.secret),
                Piece::Able => out.push_str(if scene.able() { "true" } else { "false" }),
            }
        }
    }
}

fn piece(name: &'static str) -> Piece {
    match name {
        "secret" => return Piece::Secret,
        "able" => return Piece::Able,
        _ => {}
    }
    if let Some((when, how)) = name.split_once(':') {
        let when = match when {
            "begin" => When::Begin,
            "end" => When::End,
            _ => When::Now,
        };
        return Piece::Instant(
            when,
            match how {
                "s" => How::Seconds,
                "ms" => How::Millis,
                _ => How::Iso,
            },
        );
    }
    let (sign, name) = name.strip_prefix('-').map_or((1, name), |name| (-1, name));
    let (name, grouped) = name.strip_suffix(',').map_or((name, false), |name| (name, true));
    let (name, factor) = name.split_once('*').unwrap_or((name, "1"));
    let what = match name {
        "used" => What::Used,
        "total" => What::Total,
        "gift" => What::Gift,
        "paid" => What::Paid,
        "plus" => What::Plus,
        _ => What::Left,
    };
    Piece::Sum { what, factor: sign * factor.parse::<i64>().unwrap_or(1), grouped }
}

impl Scene<'_> {
    fn able(&self) -> bool {
        self.level.remaining.is_none_or(|left| left > Amount::ZERO)
    }

    fn sum(&self, what: What, places: u8) -> Amount {
        let left = self.level.remaining.unwrap_or_default();
        let gift = Amount::micros(left.as_micros().max(0) / 10).floor(places);
        match what {
            What::Left => left,
            What::Used => self.level.used,
            What::Total => self.level.total.unwrap_or_default(),
            What::Gift => gift,
            What::Paid => Amount::micros(left.as_micros() - gift.as_micros()),
            What::Plus => Amount::micros(left.as_micros() + gift.as_micros()),
        }
    }

    fn instant(&self, when: When, how: How, out: &mut String) {
        use std::fmt::Write;
        let (begin, end) = self.level.period.unwrap_or((self.now_ms, self.now_ms));
        let ms = match when {
            When::Now => self.now_ms,
            When::Begin => begin,
            When::End => end,
        };
        _ = match how {
            How::Seconds => write!(out, "{}", ms.div_euclid(1_000)),
            How::Millis => write!(out, "{ms}"),
            How::Iso => write!(out, "{}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default()),
        };
    }
}
