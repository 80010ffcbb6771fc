//! The text of HTML, as far as looking for words needs it.

/// Elements whose content nobody sees.
const UNSEEN: [&str; 5] = ["script", "style", "template", "title", "svg"];
/// Elements within a line: they part no words.
const INLINE: [&str; 14] =
    ["a", "abbr", "b", "big", "em", "font", "i", "mark", "s", "small", "span", "strong", "u", "wbr"];

/// Text without tags, comments and what is not shown; entities decoded.
pub(super) fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        decode(&rest[..at], &mut text);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        let name = name_of(rest);
        rest = behind_tag(rest);
        if UNSEEN.contains(&name.as_str()) {
            rest = behind_element(rest, &name);
        }
        if !INLINE.contains(&name.trim_start_matches('/')) {
            text.push('\n');
        }
    }
    decode(rest, &mut text);
    text
}

/// The name of the tag the text begins with, in small letters, with its slash.
fn name_of(tag: &str) -> String {
    let inner = &tag[1..];
    let slash = usize::from(inner.starts_with('/'));
    let end = inner[slash..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(inner.len(), |at| at + slash);
    inner[..end].to_ascii_lowercase()
}

/// What follows the tag the text begins with; a `>` in a quoted value does not end it.
fn behind_tag(tag: &str) -> &str {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return &tag[at + 1..],
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            _ => {}
        }
    }
    // A quote that is never closed: the first `>` ends the tag after all.
    tag.find('>').map_or("", |at| &tag[at + 1..])
}

/// What follows the end of the element; all is gone when it never ends.
fn behind_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at..];
        if rest.get(2..2 + name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name)) {
            return behind_tag(rest);
        }
        rest = &rest[2..];
    }
    ""
}

fn decode(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(end, _)| end);
        match end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((c, end)) => {
                into.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                into.push('&');
                rest = &rest[1..];
            }
        }
    }
    into.push_str(rest);
}

fn character(entity: &str) -> Option<char> {
    if let Some(code) = entity.strip_prefix('#') {
        let code = match code.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => code.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" | "ldquo" | "rdquo" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "yen" => '¥',
        "euro" => '€',
        "pound" => '£',
        "minus" | "ndash" | "mdash" => '-',
        _ => return None,
    })
}
