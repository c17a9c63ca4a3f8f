//! Every path against the definition, by brute force.
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::points::{Points, dominates};
use super::{Archive, GroupedArchive, Ids, Ties, batch, front_of};
use crate::control::{Cancelled, Control};

type Rows = Vec<Vec<f64>>;

/// The definition: not dominated, no NaN; of equal points all, or the one with the lowest id.
fn by_definition(rows: &Rows, ids: &[u64], ties: Ties) -> Vec<u64> {
    let real = |row: &[f64]| !row.iter().any(|value| value.is_nan());
    let is_kept = |index: usize| {
        real(&rows[index])
            && !rows.iter().zip(ids).any(|(other, id)| {
                real(other)
                    && (dominates(other, &rows[index])
                        || ties == Ties::First && *other == rows[index] && *id < ids[index])
            })
    };
    let mut kept: Vec<u64> = (0..rows.len()).filter(|&index| is_kept(index)).map(|index| ids[index]).collect();
    kept.sort_unstable();
    kept
}

fn columns(rows: &Rows, width: usize) -> Vec<Vec<f64>> {
    (0..width).map(|coordinate| rows.iter().map(|row| row[coordinate]).collect()).collect()
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

fn pushed(rows: &Rows, ids: &[u64], width: usize, ties: Ties) -> Archive {
    let mut archive = Archive::new(width, ties);
    rows.iter().zip(ids).for_each(|(row, id)| archive.push(row, *id));
    archive
}

fn ids(count: usize) -> Vec<u64> {
    (0..count as u64).collect()
}

/// Few values, so that ties and duplicates abound; many, so that fronts are large; and the odd ones.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..6_i32).prop_map(f64::from),
        4 => -1.0e3..1.0e3,
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(0.0), Just(f64::MAX)],
    ]
}

fn small_whole() -> impl Strategy<Value = f64> {
    (0..4_i32).prop_map(f64::from)
}

fn rows_of(width: usize, most: usize) -> impl Strategy<Value = Rows> {
    let mixed = prop::collection::vec(prop::collection::vec(value(), width), 0..most);
    let coarse = prop::collection::vec(prop::collection::vec(small_whole(), width), 0..most);
    prop_oneof![mixed, coarse]
}

fn case(most: usize) -> impl Strategy<Value = (usize, Rows, Ties)> {
    let ties = prop_oneof![Just(Ties::All), Just(Ties::First)];
    (1..=6_usize)
        .prop_flat_map(move |width| rows_of(width, most).prop_map(move |rows| (width, rows)))
        .prop_flat_map(move |(width, rows)| ties.clone().prop_map(move |ties| (width, rows.clone(), ties)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn pushing_points_one_by_one_gives_the_front((width, rows, ties) in case(700)) {
        let ids = ids(rows.len());
        prop_assert_eq!(pushed(&rows, &ids, width, ties).members(), by_definition(&rows, &ids, ties));
    }

    #[test]
    fn pushing_blocks_gives_the_front((width, rows, ties) in case(1500), shift in 0_u64..9, mask in any::<u64>()) {
        let ids: Vec<u64> = (0..rows.len() as u64).map(|row| (row * 7919) % 10_007 + shift).collect();
        let valid: Vec<bool> = (0..rows.len()).map(|row| mask >> (row % 64) & 1 == 1).collect();
        let columns = columns(&rows, width);
        let mut archive = Archive::new(width, ties);
        archive.push_block(&slices(&columns), Ids::Each(&ids), Some(&valid));
        let kept: Vec<usize> = (0..rows.len()).filter(|row| valid[*row]).collect();
        let kept_rows: Rows = kept.iter().map(|row| rows[*row].clone()).collect();
        let kept_ids: Vec<u64> = kept.iter().map(|row| ids[*row]).collect();
        prop_assert_eq!(archive.into_members(), by_definition(&kept_rows, &kept_ids, ties));
    }

    #[test]
    fn large_fronts_are_exact(width in 3..=6_usize, seed in any::<u64>(), grain in prop_oneof![Just(12.0), Just(1.0e9)]) {
        let rows = on_a_plane(1200, width, seed, grain);
        let ids = ids(rows.len());
        let columns = columns(&rows, width);
        let mut archive = Archive::new(width, Ties::All);
        archive.push_block(&slices(&columns), Ids::From(0), None);
        prop_assert_eq!(archive.members(), by_definition(&rows, &ids, Ties::All));
    }

    #[test]
    fn order_does_not_matter((width, rows, ties) in case(400), seed in any::<u64>()) {
        let ids = ids(rows.len());
        let mut shuffled: Vec<(Vec<f64>, u64)> = rows.iter().cloned().zip(ids.iter().copied()).collect();
        let mut random = Random(seed);
        for last in (1..shuffled.len()).rev() {
            shuffled.swap(last, random.below(last as u64 + 1) as usize);
        }
        let (other_rows, other_ids): (Rows, Vec<u64>) = shuffled.into_iter().unzip();
        let one = pushed(&rows, &ids, width, ties).members();
        prop_assert_eq!(one, pushed(&other_rows, &other_ids, width, ties).members());
    }

    #[test]
    fn merging_is_associative_and_commutative((width, rows, ties) in case(900), cuts in (0.0..1.0_f64, 0.0..1.0_f64)) {
        let ids = ids(rows.len());
        let cut = |part: f64| (part * rows.len() as f64) as usize;
        let (first, second) = (cut(cuts.0.min(cuts.1)), cut(cuts.0.max(cuts.1)));
        let part = |from: usize, to: usize| pushed(&rows[from..to].to_vec(), &ids[from..to], width, ties);
        let (a, b, c) = (part(0, first), part(first, second), part(second, rows.len()));
        let merged = |mut one: Archive, other: &Archive| { one.merge(other.clone()); one };
        let expected = by_definition(&rows, &ids, ties);
        prop_assert_eq!(merged(merged(a.clone(), &b), &c).members(), expected.clone());
        prop_assert_eq!(merged(a.clone(), &merged(b.clone(), &c)).members(), expected.clone());
        prop_assert_eq!(merged(merged(c, &b), &a).members(), expected);
    }

    #[test]
    fn dominates_agrees_with_every_point_pushed((width, rows, ties) in case(500), point in prop::collection::vec(value(), 6)) {
        let archive = pushed(&rows, &ids(rows.len()), width, ties);
        let point = &point[..width];
        prop_assert_eq!(archive.dominates(point), rows.iter().any(|row| dominates(row, point)));
    }

    #[test]
    fn groups_are_independent((width, rows, ties) in case(900), count in 1..9_u64, run in prop_oneof![Just(1), Just(5), Just(100)]) {
        let ids = ids(rows.len());
        let groups: Vec<u64> = ids.iter().map(|id| id / run % count).collect();
        let columns = columns(&rows, width);
        let mut archive = GroupedArchive::new(width, ties);
        archive.push_block(&groups, &slices(&columns), Ids::From(0), None);
        let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for group in 0..count {
            let (some, some_ids): (Rows, Vec<u64>) =
                ids.iter().filter(|id| groups[**id as usize] == group).map(|id| (rows[*id as usize].clone(), *id)).unzip();
            if !some.is_empty() {
                expected.insert(group, by_definition(&some, &some_ids, ties));
            }
        }
        prop_assert_eq!(archive.members_by_group(), expected.clone());
        let mut all: Vec<u64> = expected.into_values().flatten().collect();
        all.sort_unstable();
        prop_assert_eq!(archive.members(), all.clone());
        let table = front_of(&slices(&columns), Some(&groups), ties, &Control::new());
        prop_assert_eq!(table, Ok(all));
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Points near the plane on which the coordinates sum to 1: nearly all of them are on the front.
fn on_a_plane(count: usize, width: usize, seed: u64, grain: f64) -> Rows {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let raw: Vec<f64> = (0..width).map(|_| random.unit() + 1e-3).collect();
            let sum: f64 = raw.iter().sum::<f64>() * (1.0 - 0.02 * random.unit());
            raw.iter().map(|value| (value / sum * grain).round() / grain).collect()
        })
        .collect()
}

/// Large enough for lattices and many sorts, where brute force would take too long: against one sort of everything.
#[test]
fn the_screen_changes_nothing() {
    for (width, grain) in [(2, 1.0e9), (3, 40.0), (3, 1.0e9), (4, 30.0), (5, 1.0e9)] {
        let rows = on_a_plane(12_000, width, width as u64, grain);
        let mut points = Points::new(width);
        rows.iter().zip(0..).for_each(|(row, id)| points.push(row.iter().copied(), id));
        let mut expected = batch::front(&points, Ties::All, &Control::new()).ids().to_vec();
        expected.sort_unstable();
        let columns = columns(&rows, width);
        let mut archive = Archive::new(width, Ties::All);
        archive.push_block(&slices(&columns), Ids::From(0), None);
        assert_eq!(archive.members(), expected, "{width} objectives in blocks");
        assert_eq!(pushed(&rows, &ids(rows.len()), width, Ties::All).members(), expected, "{width} objectives by one");
    }
}

/// Steps in thousands, so that runs are cut, and in both directions, so that whole runs are covered at once.
#[test]
fn long_staircases_are_exact() {
    let rows: Rows = (0..4000)
        .map(|row| match row {
            0..3000 => vec![f64::from(row % 7), f64::from(row * 17 % 3001), f64::from(3001 - row * 17 % 3001)],
            _ => vec![f64::from(row % 9), f64::from(row * 31 % 2999 / 4), f64::from(row % 1000)],
        })
        .collect();
    let ids = ids(rows.len());
    assert_eq!(pushed(&rows, &ids, 3, Ties::All).members(), by_definition(&rows, &ids, Ties::All));
}

#[test]
fn twenty_objectives_are_no_other_case() {
    let rows: Rows = on_a_plane(600, 20, 3, 50.0);
    let ids = ids(rows.len());
    assert_eq!(pushed(&rows, &ids, 20, Ties::First).members(), by_definition(&rows, &ids, Ties::First));
}

#[test]
fn points_with_nan_never_enter() {
    let mut archive = Archive::new(2, Ties::All);
    archive.push(&[f64::NAN, 0.0], 0);
    archive.push(&[1.0, 1.0], 1);
    archive.push(&[0.0, f64::NAN], 2);
    assert_eq!(archive.members(), [1]);
    assert_eq!(front_of(&[&[f64::NAN, 2.0], &[0.0, 2.0]], None, Ties::All, &Control::new()), Ok(vec![1]));
}

#[test]
fn an_empty_table_has_an_empty_front() {
    assert_eq!(front_of(&[&[], &[]], None, Ties::First, &Control::new()), Ok(vec![]));
}

#[test]
fn zeros_of_both_signs_are_equal() {
    assert_eq!(front_of(&[&[0.0, -0.0], &[1.0, 1.0]], None, Ties::All, &Control::new()), Ok(vec![0, 1]));
    assert_eq!(front_of(&[&[0.0, -0.0], &[1.0, 1.0]], None, Ties::First, &Control::new()), Ok(vec![0]));
}

#[test]
fn the_number_of_threads_does_not_show() {
    let rows = on_a_plane(200_000, 3, 5, 300.0);
    let columns = columns(&rows, 3);
    let groups: Vec<u64> = (0..200_000).map(|row| row / 50_000).collect();
    let front = |threads: usize, groups: Option<&[u64]>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool can be built");
        pool.install(|| front_of(&slices(&columns), groups, Ties::All, &Control::new()))
    };
    assert_eq!(front(1, None), front(4, None));
    assert_eq!(front(1, Some(&groups)), front(3, Some(&groups)));
}

#[test]
fn a_cancelled_front_is_an_error() {
    let control = Control::new();
    control.cancel();
    assert_eq!(front_of(&[&[1.0, 2.0]], None, Ties::All, &control), Err(Cancelled));
}
