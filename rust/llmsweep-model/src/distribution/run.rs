//! Distributions of many rows side by side: what one row's formulas say, in the lanes of vector instructions.
//!
//! A loop over the lanes calls the formulas of one row, which have no branches, and is compiled once for each kind of processor, of which the
//! one that runs is asked. None of them fuses a product with a sum unless the formula does: every lane has the bits of a row alone.
use multiversion::multiversion;

use super::normal::Share;
use super::quantile::{STEPS, Search};
use super::{Cumulants, Mixture, Shape, Shapes};

/// Rows of a run: whole vectors of any processor. They search together until the last of them has found its time.
pub const RUN: usize = 8;

type Lanes<T> = [T; RUN];

/// Times of some rows, each with its distribution.
#[derive(Clone, Debug)]
pub struct ShapeRun {
    shift: Lanes<f64>,
    centre: Lanes<f64>,
    deviation: Lanes<f64>,
    lognormal: Lanes<bool>,
}

impl ShapeRun {
    const NOTHING: Self =
        Self { shift: [0.0; RUN], centre: [0.0; RUN], deviation: [0.0; RUN], lognormal: [false; RUN] };

    /// Of the first rows, at most [`RUN`] of them.
    #[must_use]
    pub fn of(times: impl Iterator<Item = Cumulants>) -> Self {
        let mut cumulants = CumulantsRun::NOTHING;
        times.take(RUN).enumerate().for_each(|(lane, times)| cumulants.put(lane, &times));
        let mut run = Self::NOTHING;
        cumulants.shape(&mut run);
        run
    }

    /// The time that a share of each row's requests keeps within.
    #[must_use]
    pub fn quantiles(&self, share: Share) -> Lanes<f64> {
        let mut times = [0.0; RUN];
        quantile(self, share, &mut times);
        times
    }

    #[inline(always)]
    fn get(&self, lane: usize) -> Shape {
        Shape {
            shift: self.shift[lane],
            centre: self.centre[lane],
            deviation: self.deviation[lane],
            lognormal: self.lognormal[lane],
        }
    }

    #[inline(always)]
    fn put(&mut self, lane: usize, shape: Shape) {
        self.shift[lane] = shape.shift;
        self.centre[lane] = shape.centre;
        self.deviation[lane] = shape.deviation;
        self.lognormal[lane] = shape.lognormal;
    }
}

/// Cumulants of some rows.
struct CumulantsRun {
    mean: Lanes<f64>,
    variance: Lanes<f64>,
    third: Lanes<f64>,
}

impl CumulantsRun {
    const NOTHING: Self = Self { mean: [0.0; RUN], variance: [0.0; RUN], third: [0.0; RUN] };

    fn put(&mut self, lane: usize, cumulants: &Cumulants) {
        self.mean[lane] = cumulants.mean;
        self.variance[lane] = cumulants.variance;
        self.third[lane] = cumulants.third;
    }

    /// Writes what they are taken for.
    fn shape(&self, run: &mut ShapeRun) {
        if self.variance.iter().all(|variance| *variance <= 0.0) {
            *run = ShapeRun { shift: self.mean, centre: self.mean, ..ShapeRun::NOTHING };
        } else {
            shape(self, run);
        }
    }

    #[inline(always)]
    fn get(&self, lane: usize) -> Cumulants {
        Cumulants { mean: self.mean[lane], variance: self.variance[lane], third: self.third[lane] }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn shape(cumulants: &CumulantsRun, run: &mut ShapeRun) {
    for lane in 0..RUN {
        run.put(lane, Shape::of(&cumulants.get(lane)));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn quantile(run: &ShapeRun, share: Share, times: &mut Lanes<f64>) {
    for (lane, time) in times.iter_mut().enumerate() {
        *time = run.get(lane).quantile(share);
    }
}

/// Mixtures of some rows.
#[derive(Clone, Debug)]
pub struct ShapesRun {
    parts: [Lanes<f64>; 3],
    shapes: [ShapeRun; 3],
    /// Whether all requests that do not wait take the same time, in every row: that part need not be worked out then.
    certain: bool,
}

impl ShapesRun {
    /// Of the first rows, at most [`RUN`] of them.
    #[must_use]
    pub fn of(mixtures: impl Iterator<Item = Mixture>) -> Self {
        let mut cumulants = [CumulantsRun::NOTHING; 3];
        let mut parts = [[0.0; RUN]; 3];
        for (lane, mixture) in mixtures.take(RUN).enumerate() {
            for (part, (share, times)) in mixture.parts().into_iter().enumerate() {
                parts[part][lane] = share;
                cumulants[part].put(lane, &times);
            }
        }
        let mut shapes = [ShapeRun::NOTHING; 3];
        cumulants.iter().zip(&mut shapes).for_each(|(times, shapes)| times.shape(shapes));
        let certain = shapes[0].deviation.iter().all(|deviation| *deviation <= 0.0);
        Self { parts, shapes, certain }
    }

    /// The time that a share of each row's requests keeps within: [`Shapes::quantile`].
    #[must_use]
    pub fn quantiles(&self, share: Share) -> Lanes<f64> {
        let mut searches = Searches::NEW;
        search(self, share, &mut searches);
        searches.time
    }

    #[inline(always)]
    fn get<const CERTAIN: bool>(&self, lane: usize) -> Shapes {
        let part = |part: usize| (self.parts[part][lane], self.shapes[part].get(lane));
        let (at_once, shape) = part(0);
        let fastest = if CERTAIN { Shape { deviation: 0.0, lognormal: false, ..shape } } else { shape };
        Shapes([(at_once, fastest), part(1), part(2)])
    }
}

/// How far the searches of a run are.
struct Searches {
    time: Lanes<f64>,
    low: Lanes<f64>,
    high: Lanes<f64>,
    missed: Lanes<f64>,
    found: Lanes<bool>,
}

impl Searches {
    const NEW: Self =
        Self { time: [0.0; RUN], low: [0.0; RUN], high: [0.0; RUN], missed: [0.0; RUN], found: [false; RUN] };

    #[inline(always)]
    fn get(&self, lane: usize) -> Search {
        Search {
            time: self.time[lane],
            low: self.low[lane],
            high: self.high[lane],
            missed: self.missed[lane],
            found: self.found[lane],
        }
    }

    #[inline(always)]
    fn put(&mut self, lane: usize, search: Search) {
        self.time[lane] = search.time;
        self.low[lane] = search.low;
        self.high[lane] = search.high;
        self.missed[lane] = search.missed;
        self.found[lane] = search.found;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn search(run: &ShapesRun, share: Share, searches: &mut Searches) {
    if run.certain {
        all_found::<true>(run, share, searches);
    } else {
        all_found::<false>(run, share, searches);
    }
}

#[inline(always)]
fn all_found<const CERTAIN: bool>(run: &ShapesRun, share: Share, searches: &mut Searches) {
    for lane in 0..RUN {
        searches.put(lane, run.get::<CERTAIN>(lane).start(share));
    }
    for number in 0..STEPS {
        if searches.found == [true; RUN] {
            break;
        }
        for lane in 0..RUN {
            searches.put(lane, run.get::<CERTAIN>(lane).step(searches.get(lane), share, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mixtures of many sorts, some of which have nothing to search for.
    fn mixtures() -> Vec<Mixture> {
        let times = [
            Cumulants::certain(3.0),
            Cumulants::uniform(2.0),
            Cumulants::exponential(0.01),
            Cumulants::gamma(9.0, 40.0),
            Cumulants::lognormal(1.0, 2.0),
        ];
        let mut mixtures = Vec::new();
        for base in times {
            for one in times {
                for share in [0.0, 1e-6, 0.02, 0.5, 0.9] {
                    mixtures.push(Mixture { base, waits: [(share, one), (0.4 * (1.0 - share), times[1])] });
                    mixtures.push(Mixture { base, waits: [(share, one), (0.0, one)] });
                }
            }
        }
        mixtures
    }

    #[test]
    fn lanes_have_the_bits_of_a_row_alone() {
        let mixtures = mixtures();
        for rows in [1, 7, RUN] {
            for some in mixtures.chunks(rows) {
                let run = ShapesRun::of(some.iter().copied());
                let bases = ShapeRun::of(some.iter().map(|mixture| mixture.base));
                for share in [0.001, 0.5, 0.9, 0.99].map(Share::of) {
                    let (whole, base) = (run.quantiles(share), bases.quantiles(share));
                    for (lane, mixture) in some.iter().enumerate() {
                        assert_eq!(whole[lane].to_bits(), mixture.shapes().quantile(share).to_bits(), "{mixture:?}");
                        assert_eq!(base[lane].to_bits(), mixture.base.shape().quantile(share).to_bits());
                    }
                }
            }
        }
    }
}
