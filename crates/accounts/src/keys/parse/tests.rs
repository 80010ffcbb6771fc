use super::*;
use proptest::prelude::*;

fn read(text: &[u8]) -> Result<Vec<Line>, String> {
    read_in(text, text.len().max(1))
}

fn read_in(text: &[u8], size: usize) -> Result<Vec<Line>, String> {
    let mut found = Vec::new();
    let mut parser = Parser::default();
    for chunk in text.chunks(size) {
        parser.push(chunk, &mut found)?;
    }
    parser.finish(&mut found)?;
    Ok(found)
}

/// `line name=key`, or `line !error`.
fn shown(text: &str) -> Vec<String> {
    let lines = read(text.as_bytes()).unwrap();
    let one = |line: Line| match line {
        Ok(e) => format!("{} {}={}", e.line, e.name, e.key.reveal()),
        Err(e) => format!("{} !{}", e.line, e.error),
    };
    lines.into_iter().map(one).collect()
}

#[test]
fn every_form_is_read() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\n\n# none\n", &[]),
        ("fk-000001", &["1 =fk-000001"]),
        ("  fk-000001  \r\n\r\n\tfk-000002\r\n", &["1 =fk-000001", "3 =fk-000002"]),
        ("\u{feff}fk-000001\n# of the team\nfk-000002", &["1 =fk-000001", "3 =fk-000002"]),
        ("one,fk-000001\n\"two, too\",\"fk-000002\"", &["1 one=fk-000001", "2 two, too=fk-000002"]),
        ("name,key\none,fk-000001", &["2 one=fk-000001"]),
        ("# keys\nID,Key,Name,x\n7,fk-000001,one,", &["3 one=fk-000001"]),
        ("key\nfk-000001", &["2 =fk-000001"]),
        ("one\tfk-000001", &["1 one=fk-000001"]),
        ("[\"fk-000001\", {\"name\": \"two\", \"key\": \"fk-000002\"}]", &["1 =fk-000001", "2 two=fk-000002"]),
        (" \n{\"keys\": [\"fk-000001\", 7]}", &["1 =fk-000001", "2 !neither a text nor an object with `key`"]),
        ("short", &["1 !the key is shorter than 8 characters"]),
        ("my keys are here", &["1 !a key has neither blanks nor letters beyond ASCII"]),
        ("fk-0...0001", &["1 !this is a masked key, not a key"]),
        ("name,key\none", &["2 !there is no key"]),
        ("a,b,fk-000001", &["1 !more than two columns need a first line with their names: name,key"]),
        ("\"one,fk-000001", &["1 !a quote is not closed"]),
    ];
    for (text, lines) in table {
        assert_eq!(shown(text), *lines, "{text:?}");
    }
}

#[test]
fn a_bad_line_fails_alone_and_is_not_quoted() {
    let long = "x".repeat(LONGEST_LINE + 5);
    let name = "n".repeat(LONGEST_NAME + 1);
    let text = format!("fk-000001\n{long}\n{name},fk-000002\nfk-000003\n{long}");
    assert_eq!(
        shown(&text),
        [
            "1 =fk-000001",
            "2 !the line is longer than 8 KiB",
            "3 !the name is longer than 190 characters",
            "4 =fk-000003",
            "5 !the line is longer than 8 KiB",
        ]
    );
    let found = read(b"fk-000001\n\xff\xfe\nfk-000002").unwrap();
    assert_eq!(found[1].as_ref().unwrap_err(), &LineError { line: 2, error: "the line is not UTF-8".into() });
    for broken in ["[\"fk-000001\"", "{\"key\": \"fk-000001\"}", "{\"keys\": \"fk-000001\"}", "[fk-000001]"] {
        let error = read(broken.as_bytes()).unwrap_err();
        assert!(!error.contains("fk-0"), "{error}");
    }
    assert!(!format!("{:?}", read(b"one,fk-000001").unwrap()).contains("fk-"));
}

proptest! {
    #[test]
    fn how_it_is_cut_makes_no_difference(text in "[a-z0-9,\"\\[\\]{}#\u{feff}\r\n -]{0,200}", size in 1usize..50) {
        prop_assert_eq!(read(text.as_bytes()), read_in(text.as_bytes(), size));
    }

    #[test]
    fn any_key_is_found_again(keys in proptest::collection::vec("[!-+\\--~]{8,40}", 1..30), crlf in any::<bool>()) {
        prop_assume!(keys.iter().all(|k| !k.starts_with(['#', '"', '[', '{']) && !k.contains("...")));
        prop_assume!(keys.iter().all(|k| !k.contains("***")));
        let text = keys.join(if crlf { "\r\n" } else { "\n" });
        let found: Vec<String> = read(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|line| line.unwrap().key.reveal().to_owned())
            .collect();
        prop_assert_eq!(found, keys);
    }
}
