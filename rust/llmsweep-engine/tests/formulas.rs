//! The page of equations has a section for every formula that a column names.
use llmsweep_engine::columns::COLUMNS;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/model.md");

fn sections() -> BTreeSet<&'static str> {
    PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

#[test]
fn every_formula_is_a_section_of_the_page() {
    let sections = sections();
    for column in COLUMNS {
        assert!(
            sections.contains(column.formula),
            "column '{}' names the formula '{}', which is no section of docs/model.md",
            column.name,
            column.formula
        );
    }
}

/// Kernels and collectives are parts of other formulas; every other section is some column's.
#[test]
fn every_section_is_some_columns_formula() {
    let named: BTreeSet<&str> = COLUMNS.iter().map(|column| column.formula).chain(["kernels", "collectives"]).collect();
    assert_eq!(sections(), named);
}
