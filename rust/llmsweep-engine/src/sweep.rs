//! A sweep from a document to its rows.
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use crate::catalog::{Catalog, Kind, NetworkEntry};
use crate::context::{CompileError, Context};
use crate::lengths;
use crate::node::{DocumentError, Node};
use crate::run::Run;
use crate::spec::{Names, Spec};
use crate::values::Value;

/// A specification, compiled.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What was asked.
    pub spec: Arc<Spec>,
    /// Its rows and what they stand for.
    pub context: Arc<Context>,
}

/// Why a document can't be swept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SweepError {
    /// The document is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The catalogue is incomplete.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl Names for Catalog {
    fn models(&self) -> Vec<&str> {
        self.ids(Kind::Models).collect()
    }

    fn accelerators(&self) -> Vec<&str> {
        self.ids(Kind::Accelerators).collect()
    }

    /// Those that join hosts: a link inside a host is no cluster network.
    fn networks(&self) -> Vec<&str> {
        self.ids(Kind::Networks).filter(|id| self.network(id).is_some_and(NetworkEntry::joins_hosts)).collect()
    }

    fn stacks(&self) -> Vec<&str> {
        self.ids(Kind::Stacks).collect()
    }

    fn engines(&self) -> Vec<&str> {
        self.ids(Kind::Engines).collect()
    }
}

impl Sweep {
    /// Decodes a document, adds its inline tables to a copy of the catalogue, and compiles the plan.
    pub fn compile(root: &Node, catalog: &Catalog) -> Result<Self, SweepError> {
        Self::compile_in(Path::new(""), root, catalog)
    }

    /// The same for a document whose files are looked for from a folder.
    pub fn compile_in(folder: &Path, root: &Node, catalog: &Catalog) -> Result<Self, SweepError> {
        let resolved = lengths::resolve(root, folder)?;
        let root = resolved.as_ref().unwrap_or(root);
        let spec = Spec::decode(root, catalog)?;
        let own = spec.has_own_entries().then(|| catalog.with_document(root)).transpose()?;
        let context = Context::compile(&spec, own.as_ref().unwrap_or(catalog))?;
        Ok(Self { spec: Arc::new(spec), context: Arc::new(context) })
    }

    /// A run with the specification's constraints and objectives.
    #[must_use]
    pub fn run(&self) -> Run<'_> {
        Run::new(&self.context, &self.spec.constraints, &self.spec.pareto)
    }

    /// A hash of all that its rows depend on: the specification, the entries of the catalogue that it names, and this version. Sweeps of equal
    /// fingerprints have equal rows under equal numbers, so that parts of them fit together.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = HashedText(DefaultHasher::new());
        let Spec { constraints, pareto, .. } = &*self.spec;
        // Where the specification says it does not matter.
        let constraints: Vec<_> = constraints.iter().map(|limit| (limit.column, limit.min, limit.max)).collect();
        let written = write!(text, "{} {pareto:?} {constraints:?} {:?}", env!("CARGO_PKG_VERSION"), self.context);
        debug_assert!(written.is_ok(), "a hasher takes any text");
        format!("{:016x}", text.0.finish())
    }

    /// The columns of these names, or all of the phase; the first unknown name is the error.
    pub fn columns(&self, names: Option<&[String]>) -> Result<Vec<Value>, String> {
        let phase = self.spec.phase;
        match names {
            None => Ok(Value::all(phase)),
            Some(names) => names
                .iter()
                .map(|name| Value::by_name(phase, name).ok_or_else(|| unknown_column(phase, name)))
                .collect(),
        }
    }
}

/// Hashes what is written to it.
struct HashedText(DefaultHasher);

impl Write for HashedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// The sentence for a column that a phase does not have.
#[must_use]
pub fn unknown_column(phase: crate::axes::Phase, name: &str) -> String {
    let all = Value::all(phase);
    let hint = crate::node::nearest(name, all.iter().map(|value| value.name))
        .map_or_else(|| "`llmsweep columns` lists them".to_owned(), |near| format!("did you mean \"{near}\"?"));
    format!("unknown column \"{name}\" of phase \"{}\": {hint}", phase.name())
}
