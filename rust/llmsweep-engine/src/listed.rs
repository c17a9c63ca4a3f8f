//! Rows that a table lists one by one, instead of a grid.
use std::collections::HashMap;

use crate::axes::{AXES, Axis, Fallback, Phase, of_phase};
use crate::catalog::Catalog;
use crate::context::{CompileError, Context};
use crate::node::{DocumentError, Entry, Node, Place, Value};
use crate::plan::Point;
use crate::spec::{SCHEMA, Spec};

/// The axis whose place a search takes.
const REPLICAS: &str = "data_parallel";

/// A column of a table: an axis and its value in every row.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedColumn {
    /// The axis.
    pub name: String,
    /// A value per row.
    pub cells: Vec<Value>,
}

/// Why a table can't be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListedError {
    /// A column or value is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The catalogue is incomplete.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Checks a table's columns like the axes of a specification and gives its rows as points.
///
/// An axis without a column takes its fallback; the first wrong value is reported with its column and row. Prices, operations, search and
/// entries of a specification `within` hold for them; where it searches for the number of replicas, a column of replicas says nothing.
pub fn compile(
    phase: Phase,
    columns: &[ListedColumn],
    catalog: &Catalog,
    within: Option<&Node>,
) -> Result<(Context, Vec<Point>), ListedError> {
    let surroundings = within.map_or(Ok(Vec::new()), |root| Spec::surroundings(root, phase))?;
    let searches = surroundings.iter().any(|entry| entry.key == "search");
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let mut points = vec![Point::FIRST; rows];
    let mut axes = Vec::new();
    for column in columns {
        same_length(column, rows)?;
        if searches && column.name == REPLICAS {
            continue;
        }
        let place = Place::Path(format!("column \"{}\"", column.name));
        let axis = AXES.iter().position(|axis| axis.name == column.name);
        let mut distinct: Vec<Node> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (row, cell) in column.cells.iter().enumerate() {
            let index = *known.entry(key(cell)).or_insert_with(|| {
                let place = Place::Path(format!("column \"{}\", row {row}", column.name));
                distinct.push(Node { value: cell.clone(), place });
                distinct.len() - 1
            });
            if let Some(axis) = axis {
                points[row].set(axis, index);
            }
        }
        refuse_globs(&distinct)?;
        let node = Node { value: Value::Array(distinct), place: place.clone() };
        axes.push(Entry { key: column.name.clone(), place, node });
    }
    let document = document(phase, axes, surroundings);
    let spec = Spec::decode_listed(&document, catalog).map_err(|error| {
        // What the whole table lacks is a column.
        let lacks = missing(phase, columns).filter(|_| error.place == document.place);
        lacks.map_or(error, |message| DocumentError::new(&document.place, message))
    })?;
    let own = spec.has_own_entries().then(|| catalog.with_document(&document)).transpose()?;
    Ok((Context::compile(&spec, own.as_ref().unwrap_or(catalog))?, points))
}

fn same_length(column: &ListedColumn, rows: usize) -> Result<(), DocumentError> {
    let cells = column.cells.len();
    if cells == rows {
        return Ok(());
    }
    let place = Place::Path(format!("column \"{}\"", column.name));
    Err(DocumentError::new(&place, format!("it has \"{cells}\" rows where the first column has {rows}")))
}

/// What makes two cells the same value: `8` and `8.0` are.
fn key(cell: &Value) -> String {
    match cell {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => format!("\"{text}\""),
        Value::Array(_) | Value::Table(_) => format!("{cell:?}"),
    }
}

/// A row is one setup: a pattern that stands for several can't be one.
fn refuse_globs(cells: &[Node]) -> Result<(), DocumentError> {
    let glob = cells.iter().find(|cell| matches!(&cell.value, Value::String(text) if text.contains(['*', '?'])));
    match glob {
        Some(Node { value: Value::String(text), place }) => {
            let message = format!("\"{text}\" is a pattern; a row of a table must name one value");
            Err(DocumentError::new(place, message))
        }
        _ => Ok(()),
    }
}

/// The sentence for the first axis that has neither a column nor a fallback.
fn missing(phase: Phase, columns: &[ListedColumn]) -> Option<String> {
    let given = |axis: &Axis| columns.iter().any(|column| column.name == axis.name);
    let axis = of_phase(phase).find(|axis| axis.fallback == Fallback::Required && !given(axis))?;
    Some(format!("the column \"{}\" is missing: phase \"{}\" needs it", axis.name, phase.name()))
}

fn document(phase: Phase, axes: Vec<Entry>, surroundings: Vec<Entry>) -> Node {
    let place = Place::Path("table".to_owned());
    let node = |value: Value| Node { value, place: place.clone() };
    let entry = |key: &str, value: Value| Entry { key: key.to_owned(), place: place.clone(), node: node(value) };
    let own = [
        entry("schema", Value::Integer(SCHEMA)),
        entry("phase", Value::String(phase.name().to_owned())),
        entry("axes", Value::Table(axes)),
    ];
    node(Value::Table(surroundings.into_iter().chain(own).collect()))
}
