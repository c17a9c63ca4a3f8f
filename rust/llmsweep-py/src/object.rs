//! A Python mapping as a document, each value with the path that leads to it.
use llmsweep_engine::node::{DocumentError, Entry, Node, Place, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::errors::IntoPython;

/// Deeper than any specification; a mapping that contains itself ends here.
const DEPTH: usize = 64;

/// Reads mappings, lists, tuples, text, truth values and numbers (NumPy's too); anything else is a `SpecError` that
/// names the path and the type.
pub(crate) fn node(object: &Bound<'_, PyAny>) -> PyResult<Node> {
    read(object, String::new(), DEPTH)
}

fn read(object: &Bound<'_, PyAny>, path: String, depth: usize) -> PyResult<Node> {
    if depth == 0 {
        let start: String = path.chars().take(24).collect();
        let message = format!("nested more than {DEPTH} deep; does it contain itself?");
        return Err(refuse(object, start + "…", message));
    }
    let value = if let Ok(truth) = object.cast::<PyBool>() {
        Value::Bool(truth.is_true())
    } else if let Ok(text) = object.cast::<PyString>() {
        match text.to_str() {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => return Err(refuse(object, path, format!("{} is not valid Unicode text", object.repr()?))),
        }
    } else if object.is_instance_of::<PyInt>() {
        whole(object, &path)?
    } else if object.is_instance_of::<PyFloat>() {
        Value::Float(object.extract()?)
    } else if let Ok(mapping) = object.cast::<PyMapping>() {
        Value::Table(table(mapping, &path, depth)?)
    } else if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.enumerate();
        Value::Array(
            items.map(|(index, item)| read(&item?, format!("{path}[{index}]"), depth - 1)).collect::<PyResult<_>>()?,
        )
    } else {
        scalar(object, &path)?
    };
    Ok(Node { value, place: place(path) })
}

fn table(mapping: &Bound<'_, PyMapping>, path: &str, depth: usize) -> PyResult<Vec<Entry>> {
    let mut entries = Vec::new();
    for item in mapping.items()?.iter() {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let Ok(key) = key.extract::<String>() else {
            let message = format!("the key \"{key}\" is not text");
            return Err(refuse(&key, path.to_owned(), message));
        };
        let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        entries.push(Entry { key, place: place(inner.clone()), node: read(&value, inner, depth - 1)? });
    }
    Ok(entries)
}

/// A number of another library: whole if it says `__index__`, else `__float__`; NumPy's truth value by its name.
fn scalar(object: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
    let name = object.get_type().name()?.to_string();
    // An array of one number converts too, but is not a number.
    let is_scalar = !object.hasattr("__len__")? || object.hasattr("dtype")? && object.getattr("shape")?.len()? == 0;
    if matches!(name.as_str(), "bool" | "bool_") && object.hasattr("dtype")? {
        Ok(Value::Bool(object.is_truthy()?))
    } else if is_scalar && object.hasattr("__index__")? {
        whole(&object.call_method0("__index__")?, path)
    } else if is_scalar && object.hasattr("__float__")? {
        Ok(Value::Float(object.call_method0("__float__")?.extract()?))
    } else {
        let message = format!(
            "{name:?} is not a type that a specification can hold; use a mapping, a list, text, a number or true/false"
        );
        Err(refuse(object, path.to_owned(), message))
    }
}

fn whole(object: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
    object.extract().map(Value::Integer).map_err(|_| {
        let message = format!("\"{object}\" is too large; whole numbers go up to {}", i64::MAX);
        refuse(object, path.to_owned(), message)
    })
}

fn place(path: String) -> Place {
    Place::Path(if path.is_empty() { "specification".into() } else { path })
}

fn refuse(object: &Bound<'_, PyAny>, path: String, message: String) -> PyErr {
    DocumentError::new(&place(path), message).into_python(object.py())
}
