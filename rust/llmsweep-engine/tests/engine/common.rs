//! The shipped catalogue, sweeps over it, and rows as plain values.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use arrow_array::{Array, BooleanArray, Float64Array, RecordBatch, UInt16Array, UInt64Array};
use llmsweep_engine::catalog::Catalog;
use llmsweep_engine::control::Control;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::run::{Keep, Output};
use llmsweep_engine::sweep::Sweep;
use llmsweep_engine::values::Value;

pub(crate) fn catalog_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../python/llmsweep/catalog")
}

pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::from_directories(&[catalog_folder()]).expect("the shipped catalogue reads"))
}

#[track_caller]
pub(crate) fn sweep(text: &str) -> Sweep {
    let document = parse_toml("sweep.toml", text).expect("TOML");
    Sweep::compile(&document, catalog()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A training sweep with these lines under `[axes]`, then whatever tables follow.
#[track_caller]
pub(crate) fn training(axes: &str) -> Sweep {
    sweep(&format!("schema = 1\nphase = \"training\"\n[axes]\n{axes}"))
}

/// The same for serving.
#[track_caller]
pub(crate) fn inference(axes: &str) -> Sweep {
    sweep(&format!("schema = 1\nphase = \"inference\"\n[axes]\n{axes}"))
}

/// Rows with the values of all columns; `None` is null, numbers are compared by their bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows(pub(crate) Vec<BTreeMap<String, Option<Bits>>>);

/// A number that equals only itself to the last bit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bits(u64);

impl Bits {
    pub(crate) fn number(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl std::fmt::Debug for Bits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.number())
    }
}

impl Rows {
    pub(crate) fn of(output: &Output) -> Self {
        Self(output.batches.iter().flat_map(batch_rows).collect())
    }

    /// A value that must exist.
    #[track_caller]
    pub(crate) fn number(&self, row: usize, column: &str) -> f64 {
        self.get(row, column).unwrap_or_else(|| panic!("{column} of row {row} is null"))
    }

    #[track_caller]
    pub(crate) fn get(&self, row: usize, column: &str) -> Option<f64> {
        self.0[row].get(column).unwrap_or_else(|| panic!("no column {column}")).map(Bits::number)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The rows but for one column.
    pub(crate) fn without(mut self, column: &str) -> Self {
        for row in &mut self.0 {
            row.remove(column);
        }
        self
    }
}

fn batch_rows(batch: &RecordBatch) -> Vec<BTreeMap<String, Option<Bits>>> {
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        for (row, cells) in rows.iter_mut().enumerate() {
            let value = number_in(array.as_ref(), row).map(|number| Bits(number.to_bits()));
            cells.insert(field.name().clone(), value);
        }
    }
    rows
}

/// A value of a column; `None` is null.
pub(crate) fn number_in(array: &dyn Array, row: usize) -> Option<f64> {
    array.is_valid(row).then(|| number(array, row))
}

fn number(array: &dyn Array, row: usize) -> f64 {
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<Float64Array>() {
        array.value(row)
    } else if let Some(array) = any.downcast_ref::<UInt64Array>() {
        array.value(row) as f64
    } else if let Some(array) = any.downcast_ref::<UInt16Array>() {
        f64::from(array.value(row))
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        f64::from(u8::from(array.value(row)))
    } else {
        panic!("a column of type {}", array.data_type())
    }
}

pub(crate) fn all_columns(sweep: &Sweep) -> Vec<Value> {
    sweep.columns(None).expect("all columns exist")
}

pub(crate) fn run(sweep: &Sweep, keep: Keep) -> Output {
    sweep.run().run(keep, &all_columns(sweep), &Control::new()).expect("nobody cancels")
}

pub(crate) fn all_rows(sweep: &Sweep) -> Rows {
    Rows::of(&run(sweep, Keep::All))
}

/// One row, evaluated by an evaluator that has seen nothing else.
pub(crate) fn one_row(sweep: &Sweep, row: u64) -> Rows {
    Rows::of(&sweep.run().numbered(&[row], &all_columns(sweep)))
}

/// The name of the reason of a row, if it has one.
pub(crate) fn reject(rows: &Rows, row: usize) -> Option<&'static str> {
    let code = rows.get(row, "reject")?;
    llmsweep_model::reject::Reject::ALL
        .iter()
        .find(|reject| f64::from(reject.code()) == code)
        .map(|reject| reject.name())
}
