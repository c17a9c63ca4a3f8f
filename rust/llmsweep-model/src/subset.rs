//! A choice of any of a fixed list of names.

/// Which names of a list are chosen, one bit each in the list's order.
///
/// ```
/// # use llmsweep_model::subset::Subset;
/// let norms = Subset::of(&[2]);
/// assert!(norms.has(2) && !norms.has(0));
/// assert!(Subset::NONE.is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subset(u32);

impl Subset {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Those at these positions of the list, each below 32.
    #[must_use]
    pub const fn of(positions: &[usize]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < positions.len() {
            bits |= 1 << positions[index];
            index += 1;
        }
        Self(bits)
    }

    /// The chosen names, joined by `+` in any order; `None` where one is not in the list. `none` chooses none.
    ///
    /// ```
    /// # use llmsweep_model::subset::Subset;
    /// assert_eq!(Subset::parse("mlp+norm", &["norm", "scores", "mlp"]), Some(Subset::of(&[0, 2])));
    /// assert_eq!(Subset::parse("mlb", &["norm", "scores", "mlp"]), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str, names: &[&str]) -> Option<Self> {
        if text == "none" {
            return Some(Self::NONE);
        }
        text.split('+').try_fold(Self::NONE, |sum, part| {
            let position = names.iter().position(|name| *name == part)?;
            Some(Self(sum.0 | 1 << position))
        })
    }

    /// Whether the name at this position is chosen.
    #[must_use]
    pub const fn has(self, position: usize) -> bool {
        self.0 & (1 << position) != 0
    }

    /// Whether none is chosen.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
