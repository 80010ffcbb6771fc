//! `${VAR}`, `${VAR:-default}` and `$$` in the values of a file.

/// What is wrong with a reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadReference {
    #[error("${{{0}}} is not set; set it or write ${{{0}:-default}}")]
    Unset(String),
    #[error("${{ without }}; a dollar sign is written $$")]
    Open,
    /// Without the text, which may be a piece of a secret.
    #[error("what stands in ${{}} is no name of a variable; a dollar sign is written $$")]
    Name,
}

/// Puts the values of variables into a text. Like a shell, the default also stands for an empty value.
pub(crate) fn interpolate<'a>(text: &str, look_up: impl Fn(&str) -> Option<&'a str>) -> Result<String, BadReference> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let end = after.find('}').ok_or(BadReference::Open)?;
            out.push_str(&reference(&after[..end], &look_up)?);
            rest = &after[end + 1..];
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn reference<'a>(inner: &str, look_up: impl Fn(&str) -> Option<&'a str>) -> Result<String, BadReference> {
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(letters) || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(BadReference::Name);
    }
    match (look_up(name), default) {
        (Some(""), Some(default)) | (None, Some(default)) => Ok(default.to_owned()),
        (Some(value), _) => Ok(value.to_owned()),
        (None, None) => Err(BadReference::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_escapes() {
        let look_up = |name: &str| match name {
            "A" => Some("one"),
            "EMPTY" => Some(""),
            _ => None,
        };
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("${A}-${A}", Ok("one-one")),
            ("${B:-two}", Ok("two")),
            ("${EMPTY:-two}", Ok("two")),
            ("${EMPTY}", Ok("")),
            ("${B:-}", Ok("")),
            ("${B:-a:-b}", Ok("a:-b")),
            ("$$${A} $x 5$", Ok("$one $x 5$")),
            ("$${A}", Ok("${A}")),
            ("${B}", Err(BadReference::Unset("B".into()))),
            ("${B", Err(BadReference::Open)),
            ("${1B}", Err(BadReference::Name)),
            ("${}", Err(BadReference::Name)),
        ] {
            assert_eq!(interpolate(text, look_up), expected.map(str::to_owned), "{text}");
        }
    }
}
