//! A row as a line of JSON: an array, a value for each column. Whole numbers and fractions come back to the last bit.

use serde_json::value::RawValue;
use std::io::{self, Write};
use store::Value;
use store::portable::{ColumnKind, Table};

/// Writes a row and the end of its line.
pub fn write_row(to: &mut impl Write, row: &[Value]) -> io::Result<()> {
    for (at, value) in row.iter().enumerate() {
        to.write_all(if at == 0 { b"[" } else { b"," })?;
        match value {
            Value::Int(v) => write!(to, "{v}")?,
            // The shortest text that is this number and no other.
            Value::Real(v) if v.is_finite() => write!(to, "{v:?}")?,
            Value::Real(v) => write!(to, "\"{v:?}\"")?,
            Value::Text(v) => serde_json::to_writer(&mut *to, v)?,
            Value::NullInt | Value::NullReal | Value::NullText => to.write_all(b"null")?,
        }
    }
    to.write_all(b"]\n")
}

/// Reads a row of this table; says why it is none.
pub fn read_row(table: &Table, line: &str) -> Result<Vec<Value>, String> {
    let parts: Vec<&RawValue> = serde_json::from_str(line).map_err(|e| e.to_string())?;
    if parts.len() != table.columns.len() {
        return Err(format!("{} values for {} columns", parts.len(), table.columns.len()));
    }
    let row: Vec<Value> = parts
        .iter()
        .zip(&table.columns)
        .map(|(part, column)| value(column.kind, part.get()).ok_or_else(|| format!("{} is not one", column.name)))
        .collect::<Result<_, _>>()?;
    table.check(&row)?;
    Ok(row)
}

fn value(kind: ColumnKind, text: &str) -> Option<Value> {
    Some(match kind {
        ColumnKind::Int if text == "null" => Value::NullInt,
        ColumnKind::Real if text == "null" => Value::NullReal,
        ColumnKind::Text if text == "null" => Value::NullText,
        ColumnKind::Int => Value::Int(text.parse().ok()?),
        ColumnKind::Real => Value::Real(text.trim_matches('"').parse().ok()?),
        ColumnKind::Text => Value::Text(serde_json::from_str(text).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Migration;
    use store::portable::tables;

    #[test]
    fn rows_come_back_to_the_last_bit() {
        let sql = "CREATE TABLE IF NOT EXISTS t (\n id @ID@,\n r @REAL@,\n s VARCHAR(191)\n) @TABLE@";
        let table = &tables(&[Migration { name: "t", sql }]).unwrap()[0];
        let numbers = [0.1 + 0.2, f64::MIN_POSITIVE, 5e-324, -1.797_693_134_862_315_7e308, 1e21, f64::INFINITY];
        for (i, real) in numbers.into_iter().enumerate() {
            for text in ["", "初音\u{1F3A4}\n\"\\\u{0}\u{2028}", "null"] {
                let row = vec![Value::Int(i64::MIN + i as i64), Value::Real(real), Value::Text(text.to_owned())];
                let mut line = Vec::new();
                write_row(&mut line, &row).unwrap();
                assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1, "one line");
                assert_eq!(read_row(table, std::str::from_utf8(&line).unwrap()), Ok(row));
            }
        }
        assert_eq!(read_row(table, "[1,null,null]"), Ok(vec![Value::Int(1), Value::NullReal, Value::NullText]));
        for bad in
            ["[1,2]", "[null,null,null]", "[1.5,null,null]", "[\"1\",null,null]", "[1,null,5]", "{}", "[1,[],null]"]
        {
            assert!(read_row(table, bad).is_err(), "{bad}");
        }
    }
}
