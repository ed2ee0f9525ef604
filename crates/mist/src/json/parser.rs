//! The text of a JSON file as a value, as Python writes them: `NaN`, and floats that are written back as they stood.

use super::places::{Place, Places, escaped};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// Nesting beyond this is no settings file, and would overflow the stack.
const DEEPEST: usize = 128;

/// What is wrong with a text, and where.
#[derive(Debug, thiserror::Error)]
#[error("{what} at line {line}, column {column}")]
pub struct ParseError {
    what: &'static str,
    line: usize,
    column: usize,
}

/// Parses JSON. Two things set it apart from the usual parser: every float reads as the double nearest to its decimal, so
/// that it is written back as it stood (this build of `serde_json` may miss the last bit), and the bare tokens `NaN`,
/// `Infinity` and `-Infinity`, which Python programs write, read as null. A key that stands twice is an error.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    Parser::new(text, None).whole()
}

/// [`parse`], and where each value stands.
pub fn parse_with_places(text: &str) -> Result<(Value, Places), ParseError> {
    let mut parser = Parser::new(text, Some(Seen::default()));
    let value = parser.whole()?;
    Ok((value, Places::new(text, parser.seen.unwrap_or_default().offsets)))
}

/// Where values were seen so far, by JSON pointer, and the pointer to the one being read.
#[derive(Default)]
struct Seen {
    offsets: HashMap<String, usize>,
    pointer: String,
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset, always at the start of a character.
    position: usize,
    /// Only where somebody asked.
    seen: Option<Seen>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, seen: Option<Seen>) -> Self {
        Self { text, position: if text.starts_with('\u{feff}') { 3 } else { 0 }, seen }
    }

    fn whole(&mut self) -> Result<Value, ParseError> {
        let value = self.value(0)?;
        self.skip_space();
        if self.rest().is_empty() { Ok(value) } else { Err(self.error("text after the end of the value")) }
    }

    /// Reads the value below `step` of the current one, which begins at byte `start`.
    fn inner(&mut self, step: &str, start: usize, depth: usize) -> Result<Value, ParseError> {
        let outer = self.seen.as_mut().map_or(0, |seen| {
            let length = seen.pointer.len();
            seen.pointer.extend(["/", &escaped(step)]);
            seen.offsets.insert(seen.pointer.clone(), start);
            length
        });
        let value = self.value(depth + 1);
        if let Some(seen) = &mut self.seen {
            seen.pointer.truncate(outer);
        }
        value
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        if depth > DEEPEST {
            return Err(self.error("nesting is too deep"));
        }
        self.skip_space();
        let words = [("null", Value::Null), ("true", true.into()), ("false", false.into())];
        let bare = ["NaN", "Infinity", "-Infinity"].map(|word| (word, Value::Null));
        for (word, value) in words.into_iter().chain(bare) {
            if self.take(word) {
                return Ok(value);
            }
        }
        match self.rest().bytes().next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.error("a value is missing")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ParseError> {
        let mut entries = Map::new();
        self.take("{");
        self.skip_space();
        if self.take("}") {
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_space();
            let start = self.position;
            if !self.rest().starts_with('"') {
                return Err(self.error("a key in quotes is missing"));
            }
            let key = self.string()?;
            if entries.contains_key(&key) {
                self.position = start;
                return Err(self.error("a key stands twice in one object"));
            }
            self.skip_space();
            if !self.take(":") {
                return Err(self.error("a colon is missing"));
            }
            let value = self.inner(&key, start, depth)?;
            entries.insert(key, value);
            self.skip_space();
            if self.take("}") {
                return Ok(Value::Object(entries));
            }
            if !self.take(",") {
                return Err(self.error("a comma or } is missing"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, ParseError> {
        let mut items = Vec::new();
        self.take("[");
        self.skip_space();
        if self.take("]") {
            return Ok(Value::Array(items));
        }
        loop {
            self.skip_space();
            let (start, position) = (self.position, items.len().to_string());
            items.push(self.inner(&position, start, depth)?);
            self.skip_space();
            if self.take("]") {
                return Ok(Value::Array(items));
            }
            if !self.take(",") {
                return Err(self.error("a comma or ] is missing"));
            }
        }
    }

    /// A string, whose escapes `serde_json` undoes.
    fn string(&mut self) -> Result<String, ParseError> {
        let mut escaped = false;
        let closing = self.rest().bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let Some(length) = closing.map(|inner| inner + 2) else {
            return Err(self.error("a string is not closed"));
        };
        let quoted = self.rest().get(..length).unwrap_or_default();
        let string =
            serde_json::from_str(quoted).map_err(|_| self.error("a string holds a bad escape or a line break"))?;
        self.position += length;
        Ok(string)
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let length = self.rest().bytes().take_while(|byte| is_part(*byte)).count();
        let digits = self.rest().get(..length).unwrap_or_default();
        // The grammar is checked by the library; only the value of a float is taken from the exact parser.
        let checked: Number = serde_json::from_str(digits).map_err(|_| self.error("a number is malformed"))?;
        let number = match digits.parse().ok().and_then(Number::from_f64) {
            Some(exact) if checked.is_f64() => exact,
            _ => checked,
        };
        self.position += length;
        Ok(Value::Number(number))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.position += if found { word.len() } else { 0 };
        found
    }

    fn skip_space(&mut self) {
        self.position += self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn error(&self, what: &'static str) -> ParseError {
        let Place { line, column } = Place::of(self.text, self.position);
        ParseError { what, line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_text;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn python_tokens_read_as_null_outside_strings_only() {
        let value = parse(r#"{"a": NaN, "b": [-Infinity, Infinity], "NaN \" NaN": "é NaN \\"}"#).expect("parses");
        assert_eq!(value, json!({"a": null, "b": [null, null], "NaN \" NaN": "é NaN \\"}));
    }

    #[test]
    fn integers_stay_integers() {
        let value = parse("[0, -7, 18446744073709551615, 1.0, 1e-04, 1E2]").expect("parses");
        assert_eq!(value.to_string(), "[0,-7,18446744073709551615,1.0,0.0001,100.0]");
    }

    #[test]
    fn errors_say_what_and_where() {
        let cases = [
            "",
            "{",
            "{\"a\" 1}",
            "{\"a\": 1,}",
            "[1 2]",
            "[1,]",
            "{\n  \"é\": 1,\n  \"é\": 2}",
            "\"a",
            "\"\\x\"",
            "01",
            "[1] 2",
            "nul",
            "-",
            "1e999",
        ];
        let texts: Vec<String> = cases.iter().map(|text| parse(text).expect_err(text).to_string()).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        a value is missing at line 1, column 1
        a key in quotes is missing at line 1, column 2
        a colon is missing at line 1, column 6
        a key in quotes is missing at line 1, column 9
        a comma or ] is missing at line 1, column 4
        a value is missing at line 1, column 4
        a key stands twice in one object at line 3, column 3
        a string is not closed at line 1, column 1
        a string holds a bad escape or a line break at line 1, column 1
        a number is malformed at line 1, column 1
        text after the end of the value at line 1, column 5
        a value is missing at line 1, column 1
        a number is malformed at line 1, column 1
        a number is malformed at line 1, column 1
        ");
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).expect_err("too deep").to_string().starts_with("nesting is too deep"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            finite.prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(".*", inner, 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_parses_as_the_same(value in any_json()) {
            let text = to_text(&value);
            prop_assert!(text.is_ascii());
            prop_assert_eq!(parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?, value);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9eE.+\\-\\\\nulNaIfity é\n]{0,40}") {
            let _ = parse(&text);
        }
    }
}
