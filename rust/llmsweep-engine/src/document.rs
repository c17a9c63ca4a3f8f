//! TOML text as a tree of [`Node`]s: every key and value knows its line and column.
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use crate::node::{DocumentError, Entry, Node, Place, Value};

/// Tables and lists inside one another, at most; no specification or catalogue needs more than five.
const DEPTH_LIMIT: usize = 64;

/// Reads a TOML text; `file` is its name in the places of nodes and errors.
///
/// Tables keep the order of the text. Dates and times are refused: no key of a specification or catalogue takes one
/// (dates are written as text there).
///
/// # Errors
/// The first syntax error, key given twice, date, or number too large for 64 bits.
pub fn parse_toml(file: &str, text: &str) -> Result<Node, DocumentError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader { file, text, positions: Positions::new(text) };
    if let Some(offset) = first_too_deep(text) {
        return Err(too_deep(&reader.place(offset)));
    }
    match DeTable::parse(text) {
        Ok(root) => Ok(Node { value: reader.table(root.get_ref())?, place: reader.place(0) }),
        Err(error) => Err(reader.syntax_error(&error)),
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    positions: Positions,
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> Place {
        let (line, column) = self.positions.at(offset);
        Place::Text { file: self.file.to_owned(), line, column }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> DocumentError {
        let span = error.span().unwrap_or(0..0);
        let place = self.place(span.start);
        let message = error.message().lines().next().unwrap_or_default();
        let token = self.text.get(span).map(|token| token.trim_matches(['"', '\''])).unwrap_or_default();
        match message {
            "duplicate key" => DocumentError::new(&place, format!("the key \"{}\" is given twice", shown(token))),
            "string values must be quoted, expected literal string" if token.trim().is_empty() => {
                DocumentError::new(&place, "this is not valid TOML: a value is missing after the key")
            }
            "string values must be quoted, expected literal string" => {
                DocumentError::new(&place, format!("this is not valid TOML: write \"{}\" in quotes", shown(token)))
            }
            message => DocumentError::new(&place, format!("this is not valid TOML: {message}")),
        }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, DocumentError> {
        let span = value.span();
        let place = self.place(span.start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::Integer)
                .map_err(|_| self.too_large(&place, span))?,
            DeValue::Float(number) => {
                // "inf" and "nan" are TOML and the decoders' to refuse; 1e999 is a slip of the pen.
                let parsed = number.as_str().parse::<f64>().map_err(|_| self.too_large(&place, span.clone()))?;
                if parsed.is_infinite() && !number.as_str().contains("inf") {
                    return Err(self.too_large(&place, span));
                }
                Value::Float(parsed)
            }
            DeValue::Datetime(_) => {
                let token = shown(self.text.get(span).unwrap_or_default());
                let message = format!("\"{token}\" is a date or time, which no key takes: write it as text, in quotes");
                return Err(DocumentError::new(&place, message));
            }
            DeValue::Array(items) => self.array(items)?,
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Node { value, place })
    }

    fn array(&self, items: &DeArray<'_>) -> Result<Value, DocumentError> {
        items.iter().map(|item| self.node(item)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Value, DocumentError> {
        // The parser's map is sorted by name.
        let mut pairs: Vec<_> = table.iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            let node = self.node(value)?;
            Ok(Entry { key: name.clone().into_owned(), place: self.place(key.span().start), node })
        };
        pairs.into_iter().map(entry).collect::<Result<_, _>>().map(Value::Table)
    }

    fn too_large(&self, place: &Place, span: Range<usize>) -> DocumentError {
        let token = shown(self.text.get(span).unwrap_or_default());
        DocumentError::new(place, format!("the number \"{token}\" is too large for 64 bits"))
    }
}

fn too_deep(place: &Place) -> DocumentError {
    DocumentError::new(place, format!("tables and lists are nested more than {DEPTH_LIMIT} deep"))
}

/// Where a text first nests deeper than the limit, counting brackets and the dots of keys. Asked before parsing: the parser
/// bounds each of the two, but not their product, and a tree that deep overflows the stack when it is dropped.
fn first_too_deep(text: &str) -> Option<usize> {
    // Dots of the key that leads to each open bracket.
    let mut dots = vec![0_usize];
    let mut depth = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                dots.push(0);
                depth += 1;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if dots.len() > 1 => {
                depth -= 1 + dots.pop().unwrap_or_default();
            }
            TokenKind::Dot => {
                if let Some(last) = dots.last_mut() {
                    *last += 1;
                    depth += 1;
                }
            }
            // A comma ends a value; outside brackets a line end does.
            TokenKind::Comma | TokenKind::Newline if token.kind() == TokenKind::Comma || dots.len() == 1 => {
                depth -= dots.last_mut().map(std::mem::take).unwrap_or_default();
            }
            _ => {}
        }
        if depth > DEPTH_LIMIT {
            return Some(token.span().start());
        }
    }
    None
}

/// A token as an error may quote it: on one line, and not long.
fn shown(token: &str) -> String {
    token.chars().take(60).flat_map(char::escape_debug).collect()
}

/// Byte offsets to lines and columns without walking the line again for each of its values.
struct Positions {
    line_starts: Vec<usize>,
    /// Offsets of the bytes that continue a character (10xxxxxx in UTF-8).
    continuations: Vec<usize>,
}

impl Positions {
    fn new(text: &str) -> Self {
        let mut line_starts = vec![0];
        let mut continuations = Vec::new();
        for (offset, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                line_starts.push(offset + 1);
            } else if byte & 0b1100_0000 == 0b1000_0000 {
                continuations.push(offset);
            }
        }
        Self { line_starts, continuations }
    }

    fn at(&self, offset: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        let continued = |end: usize| self.continuations.partition_point(|position| *position < end);
        let column = offset - start - (continued(offset) - continued(start)) + 1;
        (line as u32, column as u32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sentence(text: &str) -> String {
        parse_toml("a.toml", text).expect_err("this text is wrong").to_string()
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let root = parse_toml("a.toml", "b = 1\n[t]\n\"é\" = [\"ü\", 2]\na = { x = 1.5 }\n").expect("valid");
        let Value::Table(entries) = &root.value else { panic!("a table") };
        assert_eq!(entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["b", "t"]);
        assert_eq!(entries[0].place.to_string(), "a.toml:1:1");
        assert_eq!(entries[0].node.place.to_string(), "a.toml:1:5");
        let Value::Table(inner) = &entries[1].node.value else { panic!("a table") };
        // In the text's order, not the alphabet's; columns count characters, not bytes.
        assert_eq!(inner[0].key, "é");
        let Value::Array(items) = &inner[0].node.value else { panic!("a list") };
        assert_eq!(items[1].place.to_string(), "a.toml:3:13");
        assert_eq!(inner[1].key, "a");
    }

    #[test]
    fn wrong_texts_are_answered_in_one_sentence() {
        for (text, expected) in [
            ("a = 1\na = 2", "a.toml:2:1: the key \"a\" is given twice"),
            ("[axes]\n\n[axes]", "a.toml:3:2: the key \"axes\" is given twice"),
            (
                "a = 1979-05-27",
                "a.toml:1:5: \"1979-05-27\" is a date or time, which no key takes: write it as text, in quotes",
            ),
            ("a = 9223372036854775808", "a.toml:1:5: the number \"9223372036854775808\" is too large for 64 bits"),
            ("a = 1e999", "a.toml:1:5: the number \"1e999\" is too large for 64 bits"),
            ("a = [1, 2", "a.toml:1:10: this is not valid TOML: unclosed array, expected `]`"),
            ("a = bf16", "a.toml:1:5: this is not valid TOML: write \"bf16\" in quotes"),
            ("a =\n", "a.toml:1:4: this is not valid TOML: a value is missing after the key"),
            ("a", "a.toml:1:2: this is not valid TOML: key with no value, expected `=`"),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn deep_nesting_is_refused_however_it_is_written() {
        let dotted = vec!["a"; 79].join(".");
        let mut inline = "1".to_owned();
        for _ in 0..79 {
            inline = format!("{{ {dotted} = {inline} }}");
        }
        for text in
            [format!("{dotted} = {inline}"), format!("a = {}", "[".repeat(10_000)), vec!["a"; 5000].join(".") + " = 1"]
        {
            assert!(sentence(&text).contains("nested more than 64 deep"), "{}", sentence(&text));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse_toml("a.toml", &text);
        }

        #[test]
        fn no_text_of_toml_characters_makes_it_panic(text in "[a-c0-9 =\\.\\[\\]\\{\\},\"'\n\\-_#éinf]{0,80}") {
            if let Err(error) = parse_toml("a.toml", &text) {
                prop_assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}
