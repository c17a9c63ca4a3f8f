//! The front of a plane as steps that go down: what makes sweeps over three coordinates fast.

/// Steps in one run; a full run is cut in two.
const RUN: usize = 512;

/// Mutually undominated points (y, z), ordered by rising y and so by falling z: runs of steps, so that a step is found
/// by two short searches and put in place by moving few others.
#[derive(Debug)]
pub(super) struct Staircase {
    /// None of them empty, but for a first one.
    runs: Vec<Vec<(f64, f64)>>,
}

impl Staircase {
    pub(super) fn new() -> Self {
        Self { runs: vec![Vec::new()] }
    }

    /// Takes (y, z) as a step, and out what it covers, unless a step is no larger in both; tells whether it did.
    pub(super) fn admit(&mut self, y: f64, z: f64) -> bool {
        let within = self.runs.partition_point(|run| run.first().is_some_and(|(first, _)| *first <= y)).max(1) - 1;
        let run = &mut self.runs[within];
        let after = run.partition_point(|(other, _)| *other <= y);
        if after > 0 && run[after - 1].1 <= z {
            return false;
        }
        // A step at the same y is higher, or it would have covered this one.
        let from = after - usize::from(after > 0 && run[after - 1].0 >= y);
        let end = from + run[from..].iter().take_while(|(_, height)| *height >= z).count();
        let reaches_on = end == run.len();
        run.splice(from..end, [(y, z)]);
        if reaches_on {
            self.lower(within + 1, z);
        }
        if self.runs[within].len() > RUN {
            let rest = self.runs[within].split_off(RUN / 2);
            self.runs.insert(within + 1, rest);
        }
        true
    }

    /// Takes out the steps from the start of a run on that are no lower than z.
    fn lower(&mut self, first: usize, z: f64) {
        let whole =
            self.runs[first..].iter().take_while(|run| run.last().is_some_and(|(_, height)| *height >= z)).count();
        self.runs.drain(first..first + whole);
        if let Some(run) = self.runs.get_mut(first) {
            let covered = run.iter().take_while(|(_, height)| *height >= z).count();
            run.drain(..covered);
        }
    }
}
