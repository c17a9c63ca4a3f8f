//! Reading the columns of an Arrow table from Python.
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, Float64Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use llmsweep_engine::listed::ListedColumn;
use llmsweep_engine::node::{Value, nearest};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;

use crate::errors::{DataProblem, IntoPython};
use crate::groups::Codes;

/// A table in memory that Python handed over without a copy.
pub(crate) struct Table {
    batches: Vec<RecordBatch>,
    schema: SchemaRef,
}

impl Table {
    /// Takes any object that speaks the Arrow PyCapsule interface as a table.
    pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let refuse = || {
            let kind = object.get_type().name()?;
            let allowed = "a Polars DataFrame, a pyarrow Table or another table with __arrow_c_stream__";
            PyResult::Ok(DataProblem(format!("\"{kind}\" is not an Arrow table; give {allowed}")).into_python(py))
        };
        if !object.hasattr("__arrow_c_stream__")? && !object.hasattr("__arrow_c_array__")? {
            return Err(refuse()?);
        }
        let table = match object.extract::<AnyRecordBatch>().and_then(|batches| Ok(batches.into_table()?)) {
            Ok(table) => table,
            // What the Arrow interface offers is a single column or the like; any other exception is its producer's.
            Err(error) if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py) => {
                let refusal = refuse()?;
                refusal.set_cause(py, Some(error));
                return Err(refusal);
            }
            Err(error) => return Err(error),
        };
        let (batches, schema) = table.into_inner();
        Ok(Self { batches, schema })
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// A numeric column as floats; a null becomes NaN.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f64>, DataProblem> {
        Ok(self.floats(name)?.values().to_vec())
    }

    /// [`Self::numbers`], without a copy of a column that is floats in one piece already.
    pub(crate) fn floats(&self, name: &str) -> Result<Float64Array, DataProblem> {
        let index = self.index(name)?;
        let kind = self.schema.field(index).data_type();
        if !is_number(kind) {
            return Err(DataProblem(format!(
                "column \"{name}\" holds {kind}; an objective must be a column of numbers"
            )));
        }
        let mut values = Vec::with_capacity(if self.batches.len() == 1 { 0 } else { self.rows() });
        for batch in &self.batches {
            let floats = cast(batch.column(index), &DataType::Float64).map_err(|error| unreadable(name, &error))?;
            let floats = floats.as_primitive::<Float64Type>();
            if self.batches.len() == 1 && floats.null_count() == 0 {
                return Ok(floats.clone());
            }
            if floats.null_count() == 0 {
                values.extend_from_slice(floats.values());
            } else {
                values.extend(floats.iter().map(|value| value.unwrap_or(f64::NAN)));
            }
        }
        Ok(Float64Array::from(values))
    }

    /// Every column as cells: text, truth values, whole numbers, numbers.
    pub(crate) fn cells(&self) -> Result<Vec<ListedColumn>, DataProblem> {
        let fields = self.schema.fields().iter().enumerate();
        fields.map(|(index, field)| self.column_cells(index, field.name(), field.data_type())).collect()
    }

    fn column_cells(&self, index: usize, name: &str, kind: &DataType) -> Result<ListedColumn, DataProblem> {
        let target = match kind {
            DataType::Boolean => DataType::Boolean,
            kind if kind.is_integer() => DataType::Int64,
            kind if is_number(kind) => DataType::Float64,
            _ => DataType::Utf8,
        };
        let mut cells = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            let column = cast(batch.column(index), &target).map_err(|error| unreadable(name, &error))?;
            if let Some(row) = (0..column.len()).find(|&row| column.is_null(row)) {
                let row = cells.len() + row;
                return Err(DataProblem(format!(
                    "column \"{name}\", row {row}: there is no value; leave the column out for its default"
                )));
            }
            match target {
                DataType::Boolean => cells.extend(column.as_boolean().iter().flatten().map(Value::Bool)),
                DataType::Int64 => {
                    cells.extend(
                        column.as_primitive::<Int64Type>().values().iter().map(|&number| Value::Integer(number)),
                    );
                }
                DataType::Float64 => {
                    cells.extend(
                        column.as_primitive::<Float64Type>().values().iter().map(|&number| Value::Float(number)),
                    );
                }
                _ => {
                    cells.extend(column.as_string::<i32>().iter().flatten().map(|text| Value::String(text.to_owned())));
                }
            }
        }
        Ok(ListedColumn { name: name.to_owned(), cells })
    }

    /// A number per row that is the same where all the named columns are; `None` without any.
    pub(crate) fn groups(&self, names: &[String]) -> Result<Option<Vec<u64>>, DataProblem> {
        let mut groups: Option<Codes> = None;
        for name in names {
            let index = self.index(name)?;
            let kind = self.schema.field(index).data_type();
            let chunks = self.batches.iter().map(|batch| batch.column(index).as_ref());
            let codes =
                Codes::of(kind, chunks, self.rows()).map_err(|error| unreadable(name, &error))?.ok_or_else(|| {
                    let allowed = "text, whole numbers, floats, dates and truth values can";
                    DataProblem(format!("column \"{name}\" holds {kind}, which can't group rows; {allowed}"))
                })?;
            groups = Some(match groups {
                None => codes,
                Some(outer) => outer.within(&codes),
            });
        }
        Ok(groups.map(Codes::into_inner))
    }

    fn index(&self, name: &str) -> Result<usize, DataProblem> {
        self.schema.index_of(name).map_err(|_| {
            let names = self.schema.fields().iter().map(|field| field.name().as_str());
            let hint = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it has {}", names.collect::<Vec<_>>().join(", ")),
            };
            DataProblem(format!("column \"{name}\" is not in the table; {hint}"))
        })
    }
}

fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_number(values),
        kind => kind.is_numeric(),
    }
}

fn unreadable(name: &str, error: &ArrowError) -> DataProblem {
    DataProblem(format!("column \"{name}\" can't be read: {error}"))
}
