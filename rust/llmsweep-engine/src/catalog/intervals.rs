//! How far published measurements lie from predictions: the decoder of `systems/intervals.toml`.
use super::fields::Fields;
use super::systems::positive;
use crate::node::{DocumentError, Node, Value};

/// Residuals of one class of predictions: `predicted · exp(±1.2816 σ)` held 80 % of them.
#[derive(Clone, Debug, PartialEq)]
struct Class {
    kind: Option<String>,
    quantity: String,
    experts: Option<bool>,
    software: Option<String>,
    sigma: f64,
}

/// All classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervals(Vec<Class>);

/// A prediction whose spread is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<'a> {
    /// Kind of measurement: `training`, `memory`, `inference` (static batches), `serving`.
    pub kind: &'a str,
    /// What is predicted, as `validate` names it.
    pub quantity: &'a str,
    /// Whether the model has experts.
    pub experts: bool,
    /// Training stack or engine, if known.
    pub software: Option<&'a str>,
}

/// Nothing is known about a quantity that was never measured but its order of magnitude.
const UNKNOWN: f64 = 1.0;

impl Intervals {
    /// Reads the file.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub(super) fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "the table of intervals", &["class", "source"])?;
        let Some(Node { value: Value::Array(classes), .. }) = fields.node("class") else {
            return Err(DocumentError::new(fields.place(), "the table of intervals lacks the tables [[class]]"));
        };
        classes.iter().map(Class::decode).collect::<Result<_, _>>().map(Self)
    }

    /// Logarithmic spread of a prediction, by the narrowest class that is there.
    #[must_use]
    pub fn sigma(&self, prediction: &Prediction) -> f64 {
        let narrowest = self.0.iter().filter(|class| class.holds(prediction)).max_by_key(|class| class.narrowness());
        narrowest.map_or(UNKNOWN, |class| class.sigma)
    }
}

impl Class {
    fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(
            node,
            "this class of intervals",
            &["kind", "quantity", "experts", "software", "sigma", "rows"],
        )?;
        let text = |key| Ok::<_, DocumentError>(fields.text(key)?.map(str::to_owned));
        Ok(Self {
            kind: text("kind")?,
            quantity: fields.required_text("quantity")?.to_owned(),
            experts: if fields.has("experts") { Some(fields.flag("experts")?) } else { None },
            software: text("software")?,
            sigma: positive(&fields, "sigma")?,
        })
    }

    fn holds(&self, prediction: &Prediction) -> bool {
        self.quantity == prediction.quantity
            && self.kind.as_deref().is_none_or(|kind| kind == prediction.kind)
            && self.experts.is_none_or(|experts| experts == prediction.experts)
            && self.software.as_deref().is_none_or(|software| Some(software) == prediction.software)
    }

    fn narrowness(&self) -> u8 {
        u8::from(self.kind.is_some()) + u8::from(self.experts.is_some()) + u8::from(self.software.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse_toml;

    const TEXT: &str = r#"
[[class]]
quantity = "step_time_s"
sigma = 0.3
[[class]]
kind = "training"
quantity = "step_time_s"
experts = true
sigma = 0.2
[[class]]
kind = "training"
quantity = "step_time_s"
experts = true
software = "megatron"
sigma = 0.1
"#;

    #[test]
    fn the_narrowest_class_counts() {
        let intervals =
            parse_toml("intervals.toml", TEXT).and_then(|node| Intervals::decode(&node)).expect("it is right");
        let sigma = |experts, software| {
            intervals.sigma(&Prediction { kind: "training", quantity: "step_time_s", experts, software })
        };
        let close = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(close(sigma(true, Some("megatron")), 0.1));
        assert!(close(sigma(true, Some("jax")), 0.2) && close(sigma(true, None), 0.2));
        assert!(close(sigma(false, None), 0.3));
        let never = Prediction { kind: "serving", quantity: "ttft_s", experts: false, software: None };
        assert!(close(intervals.sigma(&never), UNKNOWN));
    }
}
