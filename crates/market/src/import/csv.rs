//! Reading CSV (RFC 4180: quotes, doubled quotes, line breaks within quotes) with a header row.

use super::{Entries, EntryError, IpFields, too_many};

const COLUMNS: &[&str] =
    &["name", "name_en", "name_cn", "category", "tags", "image_url", "external_id", "notes", "weight"];

/// Reads a CSV file whose header names its columns; tags are separated by `;`, an empty cell says nothing.
/// Errs only when the whole is no such file.
pub fn parse_csv(bytes: &[u8]) -> Result<Entries, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
    let mut rows = Rows::of(text.trim_start_matches('\u{feff}'));
    let (_, header) = rows.next().ok_or("no header row")??;
    let header: Vec<String> = header.iter().map(|cell| cell.trim().to_lowercase()).collect();
    for (i, column) in header.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(format!("unknown column {column:?}; known are: {}", COLUMNS.join(", ")));
        }
        if header[..i].contains(column) {
            return Err(format!("column {column:?} is there twice"));
        }
    }
    if !header.iter().any(|c| c == "name") {
        return Err("no column \"name\"".to_owned());
    }
    let mut entries = Vec::new();
    for row in rows {
        let (line, cells) = row?;
        entries.push(entry(line, &header, &cells));
        too_many(entries.len())?;
    }
    Ok(Entries { entries, upsert: None })
}

fn entry(line: usize, header: &[String], cells: &[String]) -> Result<super::Entry, EntryError> {
    let name = header.iter().zip(cells).find(|(column, _)| *column == "name").map(|(_, cell)| cell.clone());
    let wrong = |error: String| EntryError { name: name.clone(), error: format!("line {line}: {error}") };
    if cells.len() > header.len() {
        return Err(wrong(format!("{} cells under {} columns", cells.len(), header.len())));
    }
    let mut fields = IpFields::default();
    for (column, cell) in header.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty()) {
        let text = Some(cell.clone());
        match column.as_str() {
            "name" => fields.name = text,
            "name_en" => fields.name_en = text,
            "name_cn" => fields.name_cn = text,
            "category" => fields.category = text,
            "tags" => fields.tags = Some(cell.split(';').map(str::to_owned).collect()),
            "image_url" => fields.image_url = text,
            "external_id" => fields.external_id = text,
            "notes" => fields.notes = text,
            _ => {
                let weight =
                    cell.trim().parse().map_err(|_| wrong(format!("weight must be a number, got {cell:?}")))?;
                fields.weight = Some(weight);
            }
        }
    }
    fields.entry().map_err(wrong)
}

/// The rows of a text with the line each begins on; blank lines are passed over.
struct Rows<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl<'a> Rows<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text.chars().peekable(), line: 1 }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// One cell; the character that ended it, `None` at the end of the text.
    fn cell(&mut self) -> Result<(String, Option<char>), String> {
        let mut cell = String::new();
        if self.rest.peek() == Some(&'"') {
            self.take();
            self.quoted(&mut cell)?;
        }
        loop {
            match self.take() {
                None => return Ok((cell, None)),
                Some('\r') if self.rest.peek() == Some(&'\n') => {}
                Some(end @ (',' | '\n')) => return Ok((cell, Some(end))),
                Some(c) => cell.push(c),
            }
        }
    }

    fn quoted(&mut self, cell: &mut String) -> Result<(), String> {
        let begun = self.line;
        loop {
            match self.take() {
                None => return Err(format!("line {begun}: a quote is not closed")),
                Some('"') if self.rest.peek() == Some(&'"') => {
                    self.take();
                    cell.push('"');
                }
                Some('"') => return Ok(()),
                Some(c) => cell.push(c),
            }
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<(usize, Vec<String>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest.peek()?;
            let line = self.line;
            let mut cells = Vec::new();
            loop {
                let (cell, end) = match self.cell() {
                    Ok(read) => read,
                    Err(e) => return Some(Err(e)),
                };
                cells.push(cell);
                if end != Some(',') {
                    break;
                }
            }
            if cells.len() > 1 || !cells[0].trim().is_empty() {
                return Some(Ok((line, cells)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_breaks_and_empty_cells() {
        let text =
            "\u{feff}Name,tags,weight,notes\r\n\"初音, \"\"ミク\"\"\",a; b;a,1.5,\"two\nlines\"\r\n\r\n鬼滅の刃,,,\n";
        let read = parse_csv(text.as_bytes()).unwrap();
        let first = read.entries[0].as_ref().unwrap();
        assert_eq!(first.name, "初音, \"ミク\"");
        assert_eq!(first.patch.tags, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((first.patch.weight, first.patch.notes.as_deref()), (Some(1.5), Some("two\nlines")));
        let second = read.entries[1].as_ref().unwrap();
        assert_eq!((second.patch.tags.clone(), second.patch.weight), (None, None));
        assert_eq!(read.entries.len(), 2);
    }

    #[test]
    fn a_bad_row_fails_alone_and_says_its_line() {
        let read = parse_csv(b"name,weight\na,1\nb,heavy\n,2\nd,1,extra\ne,11\n").unwrap();
        let errors: Vec<String> = read.entries.into_iter().filter_map(|e| e.err().map(|e| e.error)).collect();
        assert_eq!(
            errors,
            [
                "line 3: weight must be a number, got \"heavy\"",
                "line 4: name is missing",
                "line 5: 3 cells under 2 columns",
                "line 6: weight must be 0.1..10, got 11",
            ]
        );
    }

    #[test]
    fn what_is_no_such_file_is_refused_as_a_whole() {
        let refused = |bytes: &[u8]| parse_csv(bytes).unwrap_err();
        assert_eq!(refused(b""), "no header row");
        assert_eq!(refused(b"title\nx"), format!("unknown column \"title\"; known are: {}", COLUMNS.join(", ")));
        assert_eq!(refused(b"name,name\nx,y"), "column \"name\" is there twice");
        assert_eq!(refused(b"notes\nx"), "no column \"name\"");
        assert_eq!(refused(b"name\n\"x"), "line 2: a quote is not closed");
        assert_eq!(refused(b"name\n\xff"), "not UTF-8 at byte 5");
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "[a,\"\n\r; é]{0,80}") {
            let _ = parse_csv(&bytes);
            let _ = parse_csv(format!("name,tags\n{text}").as_bytes());
            let _ = crate::import::parse_json(&bytes);
            let _ = crate::import::parse_json(format!("{{\"ips\":[{{\"name\":{text:?}}}]}}").as_bytes());
        }
    }
}
