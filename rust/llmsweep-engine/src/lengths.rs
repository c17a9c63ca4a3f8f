//! Lengths of requests from a file of one's own: `[workload] lengths`, in place of the axes that say them.
//!
//! The file is read before the specification is decoded, and its moments take the place of the key, so that decoding stays free of files
//! and a sweep sees lengths that were given either way alike.
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::axes::Phase;
use crate::node::{DocumentError, Entry, Node, Place, Value};

/// The key under `[workload]`.
pub const KEY: &str = "lengths";
/// Axes that the file gives.
const AXES: [&str; 5] = ["input_tokens", "output_tokens", "input_tokens_cv", "output_tokens_cv", "length_correlation"];

/// Moments of the lengths of a file's requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lengths {
    /// Mean prompt.
    pub input: f64,
    /// Mean answer.
    pub output: f64,
    /// Coefficient of variation of prompts.
    pub input_cv: f64,
    /// Coefficient of variation of answers.
    pub output_cv: f64,
    /// Correlation of the logarithms for which two lognormals have the file's mean product.
    pub correlation: f64,
}

/// The document with the moments of its file of lengths, looked for from `folder`; `None` where it names no file.
///
/// # Errors
/// The file can't be read, a line of it is wrong, or the document says lengths in another way too.
pub fn resolve(root: &Node, folder: &Path) -> Result<Option<Node>, DocumentError> {
    let Some(workload) = table(root, "workload") else { return Ok(None) };
    let Some(position) = workload.iter().position(|entry| entry.key == KEY) else { return Ok(None) };
    if !matches!(entry(root, "phase"), Some(Entry { node: Node { value: Value::String(phase), .. }, .. }) if phase == Phase::Inference.name())
    {
        return Ok(None);
    }
    for section in ["axes", "workload"] {
        let given = table(root, section).unwrap_or_default().iter().find(|entry| AXES.contains(&entry.key.as_str()));
        if let Some(axis) = given {
            let message = format!("\"{}\" follows from the file of {KEY}: give one of the two", axis.key);
            return Err(DocumentError::new(&axis.place, message));
        }
    }
    let place = &workload[position].node.place;
    let Value::String(name) = &workload[position].node.value else {
        return Err(DocumentError::new(place, format!("{KEY} must be the name of a CSV file, in quotes")));
    };
    let text = fs::read_to_string(folder.join(name)).map_err(|error| {
        DocumentError::new(
            place,
            match error.kind() {
                ErrorKind::NotFound => format!("there is no file \"{name}\""),
                ErrorKind::InvalidData => format!("\"{name}\" is not UTF-8 text"),
                kind => format!("\"{name}\" can't be read: {kind}"),
            },
        )
    })?;
    let lengths = read(name, &text)?;
    Ok(Some(with_moments(root, position, &lengths)))
}

fn entry<'a>(root: &'a Node, key: &str) -> Option<&'a Entry> {
    let Value::Table(entries) = &root.value else { return None };
    entries.iter().find(|entry| entry.key == key)
}

fn table<'a>(root: &'a Node, key: &str) -> Option<&'a [Entry]> {
    match &entry(root, key)?.node.value {
        Value::Table(entries) => Some(entries),
        _ => None,
    }
}

/// The document with one axis for each moment in the place of the key.
fn with_moments(root: &Node, position: usize, lengths: &Lengths) -> Node {
    let mut root = root.clone();
    let Value::Table(top) = &mut root.value else { return root };
    let workload = top.iter_mut().find(|entry| entry.key == "workload").map(|entry| &mut entry.node.value);
    let Some(Value::Table(entries)) = workload else { return root };
    let Entry { place, node, .. } = entries.remove(position);
    let whole = |mean: f64| Value::Integer(mean.round().max(1.0) as i64);
    let values = [
        whole(lengths.input),
        whole(lengths.output),
        Value::Float(lengths.input_cv),
        Value::Float(lengths.output_cv),
        Value::Float(lengths.correlation),
    ];
    entries.extend(AXES.into_iter().zip(values).map(|(key, value)| Entry {
        key: key.to_owned(),
        place: place.clone(),
        node: Node { value, place: node.place.clone() },
    }));
    root
}

/// Sums over the requests of a file.
#[derive(Default)]
struct Sums {
    count: f64,
    input: f64,
    output: f64,
    input_squares: f64,
    output_squares: f64,
    products: f64,
}

impl Sums {
    fn add(&mut self, input: f64, output: f64, count: f64) {
        self.count += count;
        self.input += count * input;
        self.output += count * output;
        self.input_squares += count * input * input;
        self.output_squares += count * output * output;
        self.products += count * input * output;
    }

    fn lengths(&self) -> Lengths {
        let mean = |sum: f64| sum / self.count;
        let (input, output) = (mean(self.input), mean(self.output));
        let variation = |squares: f64, mean: f64| (squares / self.count / (mean * mean) - 1.0).max(0.0);
        let (inputs, outputs) = (variation(self.input_squares, input), variation(self.output_squares, output));
        let deviations = (inputs.ln_1p() * outputs.ln_1p()).sqrt();
        let together = (mean(self.products) / (input * output)).ln();
        let correlation = if deviations > 0.0 { (together / deviations).clamp(-1.0, 1.0) } else { 0.0 };
        Lengths { input, output, input_cv: inputs.sqrt(), output_cv: outputs.sqrt(), correlation }
    }
}

/// Moments of the requests in the text of a CSV file with the columns `input_tokens` and `output_tokens`, and `count` where a line stands for
/// several; other columns are left alone.
///
/// # Errors
/// A column is missing, or a length is not a number above 0; with line and column.
pub fn read(name: &str, text: &str) -> Result<Lengths, DocumentError> {
    let at = |line: usize, column: usize| Place::Text {
        file: name.to_owned(),
        line: line as u32 + 1,
        column: column as u32 + 1,
    };
    let wrong = |line: usize, column: usize, message: String| DocumentError::new(&at(line, column), message);
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((first, header)) = lines.next() else {
        return Err(wrong(
            0,
            0,
            "the file is empty: its first line must name input_tokens and output_tokens".to_owned(),
        ));
    };
    let names: Vec<&str> = fields(header).map(|(_, field)| field).collect();
    let position = |column: &str| names.iter().position(|name| *name == column);
    let needed = |column: &str| {
        position(column)
            .ok_or_else(|| wrong(first, 0, format!("the column \"{column}\" is missing: the first line must name it")))
    };
    let (input, output, count) = (needed("input_tokens")?, needed("output_tokens")?, position("count"));
    let mut sums = Sums::default();
    for (line, text) in lines {
        let cells: Vec<(usize, &str)> = fields(text).collect();
        let number = |position: usize, least: f64, allowed: &str| {
            let (column, cell) = cells.get(position).copied().unwrap_or((text.len(), ""));
            let number = cell.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= least);
            number.ok_or_else(|| wrong(line, column, format!("{} must be {allowed}, not \"{cell}\"", names[position])))
        };
        let length = |position: usize| number(position, 1.0, "a number of tokens of at least 1");
        let count = count.map_or(Ok(1.0), |position| number(position, 0.0, "a number of at least 0"))?;
        sums.add(length(input)?, length(output)?, count);
    }
    if sums.count <= 0.0 {
        return Err(wrong(first, 0, "the file has no requests: each line after the first is one".to_owned()));
    }
    Ok(sums.lengths())
}

/// The fields of a line with their places, in characters; quotes around one are no part of it.
fn fields(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut quoted = false;
    let parts = line.split(move |letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    let mut column = 0;
    parts.map(move |part| {
        let start = column;
        column += part.chars().count() + 1;
        (start, part.trim().trim_matches('"').trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> String {
        read("l.csv", text).expect_err("this file is wrong").to_string()
    }

    #[test]
    fn moments_of_a_file() {
        // Lengths of 100 and 300, three to one: mean 150, variance 7500.
        let lengths =
            read("l.csv", "\u{feff}id,input_tokens,output_tokens,count\n\"a,b\",100,20,3\n\nc,300,\"20\",1\n");
        let lengths = lengths.expect("right");
        assert_eq!((lengths.input, lengths.output, lengths.output_cv, lengths.correlation), (150.0, 20.0, 0.0, 0.0));
        assert!((lengths.input_cv - 7500.0_f64.sqrt() / 150.0).abs() < 1e-12);
        // Answers twice as long as their prompts: the logarithms are one.
        let lengths = read("l.csv", "input_tokens,output_tokens\n10,20\n50,100\n200,400\n").expect("right");
        assert!((lengths.correlation - 1.0).abs() < 1e-12 && (lengths.input_cv - lengths.output_cv).abs() < 1e-12);
    }

    #[test]
    fn wrong_files_are_answered_in_one_sentence() {
        for (text, expected) in [
            ("", "l.csv:1:1: the file is empty: its first line must name input_tokens and output_tokens"),
            ("input_tokens\n1", "l.csv:1:1: the column \"output_tokens\" is missing: the first line must name it"),
            ("input_tokens,output_tokens\n", "l.csv:1:1: the file has no requests: each line after the first is one"),
            (
                "input_tokens,output_tokens\n10,many\n",
                "l.csv:2:4: output_tokens must be a number of tokens of at least 1, not \"many\"",
            ),
            (
                "input_tokens,output_tokens\n10,20\n0,20\n",
                "l.csv:3:1: input_tokens must be a number of tokens of at least 1, not \"0\"",
            ),
            (
                "input_tokens,output_tokens\n10,-5\n",
                "l.csv:2:4: output_tokens must be a number of tokens of at least 1, not \"-5\"",
            ),
            (
                "input_tokens,output_tokens\n10\n",
                "l.csv:2:3: output_tokens must be a number of tokens of at least 1, not \"\"",
            ),
            (
                "input_tokens,output_tokens\nnan,5\n",
                "l.csv:2:1: input_tokens must be a number of tokens of at least 1, not \"nan\"",
            ),
            (
                "input_tokens,output_tokens,count\n10,20,-1\n",
                "l.csv:2:7: count must be a number of at least 0, not \"-1\"",
            ),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
