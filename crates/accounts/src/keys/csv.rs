//! Lines of CSV, read and written.

use std::borrow::Cow;

/// The fields of one line, trimmed. A comma or a tab parts them; a field in quotes may hold both, and quotes twice.
/// Errs when a quote is not closed: fields do not go over the end of a line.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.trim_start_matches(' ');
        let (field, after) = match start.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = start.find([',', '\t']).unwrap_or(start.len());
                (start[..end].trim().to_owned(), &start[end..])
            }
        };
        fields.push(field);
        let mut left = after.chars();
        match left.next() {
            None => return Ok(fields),
            Some(',' | '\t') => rest = left.as_str(),
            Some(_) => return Err("there is text behind a closed quote"),
        }
    }
}

fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        field.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field.trim().to_owned(), rest.trim_start_matches(' '))),
        }
    }
    Err("a quote is not closed")
}

/// A text as a cell. What a spreadsheet would take for a formula gets an apostrophe in front.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
pub fn cell(text: &str) -> Cow<'_, str> {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let quoted = text.contains([',', '"', '\n', '\r', '\t', ';']) || text.trim() != text;
    if !formula && !quoted {
        return Cow::Borrowed(text);
    }
    let mark = if formula { "'" } else { "" };
    Cow::Owned(format!("\"{mark}{}\"", text.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_parted_as_spreadsheets_write_them() {
        for (line, fields) in [
            ("a,b", Ok(vec!["a", "b"])),
            (" a , b ", Ok(vec!["a", "b"])),
            ("a\tb", Ok(vec!["a", "b"])),
            ("\"a, \"\"b\"\"\",c", Ok(vec!["a, \"b\"", "c"])),
            ("\"a\" , \"b\" ", Ok(vec!["a", "b"])),
            (",", Ok(vec!["", ""])),
            ("", Ok(vec![""])),
            ("a\"b,c", Ok(vec!["a\"b", "c"])),
            ("\"a,b", Err("a quote is not closed")),
            ("\"a\"b,c", Err("there is text behind a closed quote")),
        ] {
            assert_eq!(split(line), fields.map(|f| f.into_iter().map(str::to_owned).collect()), "{line:?}");
        }
    }

    #[test]
    fn formulas_are_disarmed() {
        for (text, shown) in [
            ("plain", "plain"),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-x", "\"'-x\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(cell(text), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cells in proptest::collection::vec("[a-z\", ;@=]{0,12}", 1..5)) {
            let line = cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(",");
            let read = split(&line).unwrap();
            prop_assert_eq!(read.len(), cells.len());
            for (read, cell) in read.iter().zip(&cells) {
                prop_assert_eq!(read.trim_start_matches('\'').trim(), cell.trim());
            }
        }
    }
}
