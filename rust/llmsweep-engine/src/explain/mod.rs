//! One setup with every term of its time, memory and cost: the numbers that a sweep used, with their formulas.
mod inference;
mod kernels;
mod pools;
mod traffic;
mod training;

use serde_json::{Map, Value, json};

use crate::axes::Phase;
use crate::context::{Context, axis};
use crate::evaluate::Common;
use crate::plan::Point;
use crate::spec::AxisValue;
use llmsweep_model::economics::{KILOWATT_HOUR, YEAR};
use llmsweep_model::hardware::Accelerator;
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

/// One quantity: `value` is `formula` with `numbers` put in.
#[derive(Clone, Debug)]
struct Term {
    name: String,
    value: Option<f64>,
    unit: &'static str,
    formula: &'static str,
    numbers: String,
    source: &'static str,
}

impl Term {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, formula: &'static str) -> Self {
        let value = value.is_finite().then_some(value);
        Self { name: name.into(), value, unit, formula, numbers: String::new(), source: "" }
    }

    fn numbers(mut self, numbers: impl Into<String>) -> Self {
        self.numbers = numbers.into();
        self
    }

    fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "formula": self.formula,
            "numbers": self.numbers,
            "source": self.source,
        })
    }
}

/// Terms that belong together.
#[derive(Clone, Debug)]
struct Section {
    title: String,
    terms: Vec<Term>,
    total: Option<Term>,
}

impl Section {
    fn new(title: impl Into<String>, terms: Vec<Term>) -> Self {
        Self { title: title.into(), terms, total: None }
    }

    fn total(mut self, total: Term) -> Self {
        self.total = Some(total);
        self
    }

    fn json(&self) -> Value {
        json!({
            "title": self.title,
            "terms": self.terms.iter().map(Term::json).collect::<Vec<_>>(),
            "total": self.total.as_ref().map(Term::json),
        })
    }
}

/// What a phase says of a point.
struct Explained {
    reject: Option<Reject>,
    /// What of the memory is missing, in a sentence.
    missing: Option<String>,
    sections: Vec<Section>,
}

/// Explains a point of a plan.
#[must_use]
pub fn explain(context: &Context, point: &Point) -> Value {
    let Explained { reject, missing, sections } = match context.plan.phase {
        Phase::Training => training::explained(context, point),
        Phase::Inference => {
            let (reject, sections) = inference::sections(context, point);
            Explained { reject, missing: None, sections }
        }
    };
    let detail = reject.map(|reject| match missing {
        Some(missing) => format!("{} {missing}", reject.doc()),
        None => reject.doc().to_owned(),
    });
    let model = &context.model(point).name;
    let accelerator = &context.accelerators[point.index(axis::ACCELERATOR)].name;
    let phase = context.plan.phase.name();
    json!({
        "title": format!("{phase}: {model} on {accelerator}"),
        "setup": setup(context, point),
        "feasible": reject.is_none(),
        "reject": reject.map(Reject::name),
        "reject_detail": detail,
        "sections": sections.iter().map(Section::json).collect::<Vec<_>>(),
    })
}

fn setup(context: &Context, point: &Point) -> Map<String, Value> {
    let values = context.values(point).into_iter().map(|(name, value)| {
        let value = match value {
            AxisValue::Name(name) => json!(name),
            AxisValue::Integer(number) => json!(number),
            AxisValue::Number(number) => json!(number),
            AxisValue::Bool(flag) => json!(flag),
        };
        (name.to_owned(), value)
    });
    values.collect()
}

/// A number short enough for a formula.
fn short(number: f64) -> String {
    if number == 0.0 {
        "0".to_owned()
    } else if number.is_infinite() {
        "∞".to_owned()
    } else if (1e-3..1e5).contains(&number.abs()) {
        let digits = if number.fract() == 0.0 { 0 } else { 4 };
        format!("{number:.digits$}")
    } else {
        format!("{number:.3e}")
    }
}

fn seconds(name: &str, value: Seconds, formula: &'static str) -> Term {
    Term::new(name, value.0, "s", formula)
}

/// Price, power, energy, ownership and carbon of a duration.
fn money(
    common: &Common,
    accelerator: &Accelerator,
    operations: &Operations,
    title: &str,
    duration: Seconds,
    tokens: f64,
) -> Section {
    const MILLION: f64 = 1e6;
    let paid = common.fleet.paid();
    let devices = short(paid);
    let mut terms = Vec::new();
    if let Some(rental) = common.upkeep.rental {
        let hourly = rental.0 * llmsweep_model::economics::HOUR;
        terms.push(
            Term::new("rental of all devices", hourly, "USD/h", "(devices + spares) · price")
                .numbers(format!("{devices} · {}", short(hourly / paid))),
        );
    }
    if let Some(cost) = common.upkeep.cost(duration) {
        terms.push(Term::new("cost", cost.0, "USD", "rental · time"));
        terms.push(Term::new("cost per million tokens", cost.0 / tokens * MILLION, "USD", "cost / tokens · 10⁶"));
    } else {
        terms.push(Term::new("cost", f64::NAN, "USD", "no price in the catalogue: give one under [prices]"));
    }
    if let (Some(power), Some(energy)) = (common.upkeep.power, common.upkeep.energy(duration)) {
        terms.push(Term::new("board power of all devices", power.0, "W", "devices · board power"));
        terms.push(Term::new("energy", energy.0, "J", "power · time"));
        terms.push(Term::new("energy per token", energy.0 / tokens, "J", "energy / tokens"));
    }
    terms.extend(facility(common, operations, duration));
    terms.extend(ownership(common, accelerator, operations, duration));
    Section::new(title, terms)
}

/// What the facility draws for the boards, and the carbon dioxide of that.
fn facility(common: &Common, operations: &Operations, duration: Seconds) -> Vec<Term> {
    let upkeep = &common.upkeep;
    let (Some(power), Some(energy), Some(carbon)) =
        (upkeep.facility, upkeep.facility_energy(duration), upkeep.carbon(duration))
    else {
        return Vec::new();
    };
    let kilowatt_hours = energy.0 / KILOWATT_HOUR;
    vec![
        Term::new("power of the facility", power.0, "W", "(devices + idle · spares) · board power · (1 + hosts) · PUE")
            .numbers(format!(
                "({} + {} · {}) · {} · (1 + {}) · {}",
                short(common.fleet.devices),
                short(operations.idle_power_share),
                short(common.fleet.spares),
                short(upkeep.power.unwrap_or_default().0 / common.fleet.devices),
                short(operations.host_power_share),
                short(operations.pue)
            )),
        Term::new("energy of the facility", kilowatt_hours, "kWh", "power of the facility · time"),
        Term::new("carbon dioxide", carbon, "kg", "energy of the facility · carbon dioxide of the grid")
            .numbers(format!("{} · {}", short(kilowatt_hours), short(operations.kg_co2_per_kwh))),
    ]
}

/// What it costs to own the devices.
fn ownership(common: &Common, accelerator: &Accelerator, operations: &Operations, duration: Seconds) -> Option<Term> {
    let (price, cost) = (accelerator.purchase?, common.upkeep.ownership(duration)?);
    let energy = common.upkeep.facility_energy(duration)?.0 / KILOWATT_HOUR;
    let formula = "devices · purchase · overhead · (1 / years + operations) · time / busy share + energy · price";
    Some(Term::new("ownership", cost.0, "USD", formula).numbers(format!(
        "{} · {} · {} · (1 / {} + {}) · {} years / {} + {} · {}",
        short(common.fleet.paid()),
        short(price.0),
        short(operations.capital_overhead),
        short(operations.amortisation_years),
        short(operations.operations_share_per_year),
        short(duration.0 / YEAR),
        short(operations.busy_share),
        short(energy),
        short(operations.usd_per_kwh)
    )))
}

/// What the efficiencies of a device are and how they are known.
fn device_section(context: &Context, point: &Point) -> Option<Section> {
    let resolved = context.device(point).ok()?;
    let kernels = &resolved.device.kernels;
    let accelerator = &resolved.device.accelerator;
    let laws = &kernels.laws;
    Some(Section::new(
        format!("Accelerator (efficiencies {})", resolved.provenance.name()),
        vec![
            Term::new("dense peak", kernels.peak.0, "FLOP/s", ""),
            Term::new("memory", accelerator.memory.0, "B", ""),
            Term::new("memory bandwidth", kernels.bandwidth.0, "B/s", ""),
            Term::new("long GEMM, share of peak", laws.gemm.compute_efficiency, "", "e_c"),
            Term::new("short GEMM, share of bandwidth", laws.gemm.memory_efficiency, "", "e_m"),
            Term::new("sustained clock", kernels.chip.peak.0 / kernels.peak.0, "", "σ"),
            Term::new("attention, share of peak", laws.attention.compute_efficiency, "", "e_a"),
            Term::new("launch of a GEMM", laws.gemm.launch.0, "s", "t₀"),
        ],
    ))
}
