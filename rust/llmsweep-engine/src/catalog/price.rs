//! Prices of accelerators: the decoder of `prices/`.
use llmsweep_model::economics::HOUR;
use llmsweep_model::quantity::{Usd, UsdPerSec};

use super::fields::Fields;
use crate::node::{DocumentError, Node, Place};

/// What one device of an accelerator costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The accelerator.
    pub accelerator: String,
    /// Lowest and highest rental seen. \[USD/h\]
    pub rental_usd_per_hour: Option<(f64, f64)>,
    /// Where the rental was seen.
    pub rental_source: Option<String>,
    /// When.
    pub rental_date: Option<String>,
    /// Purchase price.
    pub purchase: Option<Usd>,
    /// Where the purchase price was seen.
    pub purchase_source: Option<String>,
    /// When.
    pub purchase_date: Option<String>,
    /// Remark.
    pub note: Option<String>,
    /// Where the entry stands.
    pub place: Place,
}

/// Keys of a `[[price]]` table.
pub const PRICE_KEYS: &[&str] = &[
    "accelerator",
    "rental_low_usd_per_hour",
    "rental_high_usd_per_hour",
    "rental_source",
    "rental_date",
    "purchase_usd",
    "purchase_source",
    "purchase_date",
    "note",
];

impl Price {
    /// Reads a `[[price]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number; a lowest price above the highest.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this price", PRICE_KEYS)?;
        let accelerator = fields.required_text("accelerator")?.to_owned();
        let fields = fields.named(format!("the price of \"{accelerator}\""));
        let low = fields.positive("rental_low_usd_per_hour")?;
        let high = fields.positive("rental_high_usd_per_hour")?;
        // One price alone is both.
        let rental = low.or(high).map(|one| (one, high.unwrap_or(one)));
        if let Some((low, high)) = rental.filter(|(low, high)| low > high) {
            let message = format!(
                "\"rental_low_usd_per_hour\" of {} is \"{low}\", more than \"rental_high_usd_per_hour\", \"{high}\"",
                fields.what()
            );
            return Err(fields.error("rental_low_usd_per_hour", message));
        }
        let text = |key| Ok::<_, DocumentError>(fields.text(key)?.map(str::to_owned));
        Ok(Self {
            rental_usd_per_hour: rental,
            rental_source: text("rental_source")?,
            rental_date: text("rental_date")?,
            purchase: fields.positive("purchase_usd")?.map(Usd),
            purchase_source: text("purchase_source")?,
            purchase_date: text("purchase_date")?,
            note: text("note")?,
            place: fields.place().clone(),
            accelerator,
        })
    }

    /// The rental that costs are computed with: the geometric mean of lowest and highest, for offers spread by factors.
    ///
    /// H100 SXM, 2.29 to 12.29 USD per hour: 5.31.
    #[must_use]
    pub fn rental(&self) -> Option<UsdPerSec> {
        self.rental_usd_per_hour.map(|(low, high)| UsdPerSec((low * high).sqrt() / HOUR))
    }
}
