//! A front thinned to what matters: of rows alike within ε one, and none that is only ε better than another.
//!
//! After M. Laumanns, L. Thiele, K. Deb, E. Zitzler, "Combining Convergence and Diversity in Evolutionary Multiobjective
//! Optimization", Evolutionary Computation 10(3), 2002: a grid of boxes whose edges are a factor 1 + ε apart. Boxes that
//! another one dominates go, of each other box one point stays.
use super::Ties;
use super::points::order_key;
use super::table::front_of;
use crate::control::{Cancelled, Control};

/// Below it, ε is 0: boxes so fine would not be told apart.
const FINEST: f64 = 1e-12;
/// Beyond the number of any box.
const OFFSET: f64 = (1_u64 << 52) as f64;

/// The numbers of the rows that stay, ascending, of rows that are a front (or one per group): an ε-Pareto set.
///
/// `epsilon` has a share per column: of 0.01, every row is no more than a factor 1.01 worse in that objective than a row
/// that stays; of 0, it is no worse. What stays of a box is the row nearest to the box's best corner, of several the
/// first. So the answer depends on the rows alone, and thinning once more changes nothing.
///
/// # Errors
/// [`Cancelled`] if `control` was cancelled before the end.
///
/// # Panics
/// If there are no columns, or columns, groups and epsilons don't match.
///
/// ```
/// use llmsweep_engine::control::Control;
/// use llmsweep_engine::pareto::thinned;
/// let (cost, time) = ([100.0, 100.5, 120.0], [9.0, 8.99, 4.0]);
/// assert_eq!(thinned(&[&cost, &time], None, &[0.01, 0.01], &Control::new()), Ok(vec![0, 2]));
/// ```
pub fn thinned(
    columns: &[&[f64]],
    groups: Option<&[u64]>,
    epsilon: &[f64],
    control: &Control,
) -> Result<Vec<u64>, Cancelled> {
    assert_eq!(columns.len(), epsilon.len(), "there is an epsilon for every objective");
    let boxes: Vec<Vec<f64>> = columns
        .iter()
        .zip(epsilon)
        .map(|(column, &epsilon)| column.iter().map(|&value| place(value, epsilon).0).collect())
        .collect();
    let slices: Vec<&[f64]> = boxes.iter().map(Vec::as_slice).collect();
    let mut rows = front_of(&slices, groups, Ties::All, control)?;
    let home = |row: u64| {
        let coordinates: Vec<u64> = boxes.iter().map(|column| order_key(column[row as usize] + 0.0)).collect();
        (groups.map(|groups| groups[row as usize]), coordinates)
    };
    let distance = |row: u64| {
        let within = columns.iter().zip(epsilon).map(|(column, &epsilon)| place(column[row as usize], epsilon).1);
        order_key(within.map(|part| part * part).sum::<f64>() + 0.0)
    };
    rows.sort_by_cached_key(|&row| (home(row), distance(row), row));
    rows.dedup_by_key(|row| home(*row));
    rows.sort_unstable();
    Ok(rows)
}

/// The box of a value, in the order of the values, and how far the value is from the box's lower edge: from 0 to 1.
fn place(value: f64, epsilon: f64) -> (f64, f64) {
    if epsilon < FINEST || value == 0.0 || value.is_infinite() {
        // Infinite and zero values have no neighbours within a factor.
        return (value, 0.0);
    }
    let edges = value.abs().ln() / epsilon.ln_1p();
    // A negative value is the better, the larger it is.
    let (edge, sign) = if value > 0.0 { (edges.floor(), 1.0) } else { (edges.ceil(), -1.0) };
    (sign * (OFFSET + edge), (edges - edge).abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::thinned;
    use crate::control::Control;
    use crate::pareto::{Ties, front_of};

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => 0.5..2.0,
            3 => -2.0..-0.5,
            2 => (1..40_i32).prop_map(|whole| f64::from(whole) / 8.0),
            1 => prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e-300), Just(-1e300)],
        ]
    }

    fn case() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<f64>)> {
        let epsilon = prop_oneof![Just(0.0), Just(0.01), Just(0.2), Just(1.0), 1e-4..0.5];
        (1..=5_usize, 0..120_usize).prop_flat_map(move |(width, rows)| {
            let columns = prop::collection::vec(prop::collection::vec(value(), rows), width);
            (columns, prop::collection::vec(epsilon.clone(), width))
        })
    }

    /// The rows of a table by numbers.
    fn taken(columns: &[Vec<f64>], rows: &[u64]) -> Vec<Vec<f64>> {
        columns.iter().map(|column| rows.iter().map(|&row| column[row as usize]).collect()).collect()
    }

    fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
        columns.iter().map(Vec::as_slice).collect()
    }

    fn thin(columns: &[Vec<f64>], epsilon: &[f64]) -> Vec<u64> {
        thinned(&slices(columns), None, epsilon, &Control::new()).expect("nobody cancels")
    }

    /// Whether `one` is at most a factor 1 + ε worse than `other` (and a rounding of logarithms).
    fn is_near(one: f64, other: f64, epsilon: f64) -> bool {
        let factor = (1.0 + epsilon) * (1.0 + 1e-9);
        one <= other || one <= if other > 0.0 { other * factor } else { other / factor }
    }

    proptest! {
        #[test]
        fn every_row_of_a_front_is_near_one_that_stays((table, epsilon) in case(), count in 1..4_u64) {
            let groups: Vec<u64> = (0..table[0].len() as u64).map(|row| row % count).collect();
            let ids = front_of(&slices(&table), Some(&groups), Ties::All, &Control::new()).expect("nobody cancels");
            let front = taken(&table, &ids);
            let groups: Vec<u64> = ids.iter().map(|id| groups[*id as usize]).collect();
            let kept = thinned(&slices(&front), Some(&groups), &epsilon, &Control::new()).expect("nobody cancels");
            prop_assert!(kept.is_sorted() && kept.iter().all(|row| *row < ids.len() as u64));
            for row in 0..ids.len() {
                let stands_for = |kept: usize| {
                    let mut columns = front.iter().zip(&epsilon);
                    groups[kept] == groups[row]
                        && columns.all(|(column, epsilon)| is_near(column[kept], column[row], *epsilon))
                };
                prop_assert!(kept.iter().any(|kept| stands_for(*kept as usize)));
            }
            let again = taken(&front, &kept);
            let groups: Vec<u64> = kept.iter().map(|row| groups[*row as usize]).collect();
            let all: Vec<u64> = (0..kept.len() as u64).collect();
            prop_assert_eq!(thinned(&slices(&again), Some(&groups), &epsilon, &Control::new()), Ok(all));
        }

        #[test]
        fn the_order_of_rows_does_not_matter((table, epsilon) in case(), turn in any::<prop::sample::Index>()) {
            let count = table[0].len();
            let order: Vec<u64> = (0..count).map(|row| ((row + turn.index(count.max(1))) % count) as u64).rev().collect();
            let points = |columns: &[Vec<f64>], rows: &[u64]| {
                let kept = taken(columns, rows);
                let mut points: Vec<Vec<u64>> = (0..rows.len())
                    .map(|row| kept.iter().map(|column| (column[row] + 0.0).to_bits()).collect())
                    .collect();
                points.sort_unstable();
                points
            };
            let turned = taken(&table, &order);
            prop_assert_eq!(points(&table, &thin(&table, &epsilon)), points(&turned, &thin(&turned, &epsilon)));
        }
    }

    #[test]
    fn of_equals_the_first_stays() {
        let table = [vec![3.0, 1.0, 1.0], vec![1.0, 3.0, 3.0]];
        assert_eq!(thin(&table, &[0.0, 0.0]), [0, 1]);
    }
}
