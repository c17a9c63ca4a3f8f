//! Whatever is written, the answer is a specification or one sentence whose place is in the text.
use proptest::prelude::*;

use super::*;
use crate::node::Place;

const PIECES: &[&str] = &[
    "=",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ",",
    ".",
    "\n",
    "*",
    "?",
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "9223372036854775807",
    "true",
    "1979-05-27",
    "[]",
    "{}",
    "geometric",
    "linear = [1, 2, 3]",
    "[[model]]\n",
    "[workload]\n",
    "devices = 8\n",
    "é",
    "#",
    "\"\"",
    "zero_stage = 3\n",
    "{ min = 2, max = 1 }",
    "phase = \"training\"\n",
    "a.b.c = 1\n",
    "model = \"*\"\n",
    "100000000",
];

fn answers_well(text: &str) -> Result<(), TestCaseError> {
    match decode(text) {
        Ok(spec) => {
            let whole = spec.axes.iter().all(|axis| !axis.values.is_empty());
            prop_assert!(whole, "an axis without values in\n{text}");
        }
        Err(error) => {
            let sentence = error.to_string();
            prop_assert_eq!(sentence.lines().count(), 1, "{}", sentence);
            let Place::Text { line, column, .. } = error.place else {
                return Err(TestCaseError::fail(format!("no place in the text: {sentence}")));
            };
            let lines: Vec<&str> = text.split('\n').collect();
            let found = lines.get(line as usize - 1).map(|found| found.chars().count());
            prop_assert!(found.is_some_and(|length| column as usize <= length + 1), "{sentence} is outside\n{text}");
        }
    }
    Ok(())
}

/// Replaces, inserts or cuts at a character.
fn mutate(text: &str, at: usize, cut: usize, piece: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at % (characters.len() + 1);
    let end = (at + cut).min(characters.len());
    let head: String = characters[..at].iter().collect();
    let tail: String = characters[end..].iter().collect();
    format!("{head}{piece}{tail}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutations_are_answered(
        training in any::<bool>(),
        changes in prop::collection::vec((0_usize..2000, 0_usize..12, prop::sample::select(PIECES)), 1..4),
    ) {
        let mut text = if training { TRAINING } else { INFERENCE }.to_owned();
        for (at, cut, piece) in changes {
            text = mutate(&text, at, cut, piece);
        }
        answers_well(&text)?;
    }

    #[test]
    fn lines_in_any_order_are_answered(
        training in any::<bool>(),
        lines in prop::collection::vec(0_usize..40, 0..40),
    ) {
        let all: Vec<&str> = if training { TRAINING } else { INFERENCE }.lines().collect();
        let text: Vec<&str> = lines.iter().map(|line| all[line % all.len()]).collect();
        answers_well(&text.join("\n"))?;
    }

    #[test]
    fn wrong_values_are_answered(
        training in any::<bool>(),
        line in 0_usize..40,
        value in prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:?}").replace("NaN", "nan")),
            "\"[a-z0-9*?.-]{0,8}\"",
            "\\{ (geometric|linear) = \\[-?[0-9]{1,9}, -?[0-9]{1,15}(\\.[0-9])?, -?[0-9](\\.[0-9]{1,9})?\\] \\}",
            Just("{ geometric = [1e-308, 1e308, 1.0000001] }".to_owned()),
            Just("{ linear = [1, 1e300, 1e-300] }".to_owned()),
        ],
    ) {
        let source = if training { TRAINING } else { INFERENCE };
        let all: Vec<&str> = source.lines().collect();
        let line = line % all.len();
        let lines = all.iter().enumerate().map(|(index, current)| match current.split_once('=') {
            Some((key, _)) if index == line => format!("{key}= {value}\n"),
            _ => format!("{current}\n"),
        });
        let text: String = lines.collect();
        answers_well(&text)?;
    }
}
