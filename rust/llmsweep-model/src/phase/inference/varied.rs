//! How a row's times vary, and whose tokens take the device's time: computed where it is asked for.
use super::{InferenceRow, InferenceSetup, ServingMode};
use crate::distribution::{Cumulants, Mixture};
use crate::quantity::Seconds;

impl InferenceRow {
    /// The time between tokens from answer to answer: a mean over s steps has the s-th part of the variance, and of a lognormal length
    /// `E[1/s] = (1 + cv²)/E[s]`, `E[1/s²] = (1 + cv²)³/E[s]²`.
    #[must_use]
    pub fn tpot_times(&self, setup: &InferenceSetup) -> Cumulants {
        let steps = setup.output_tokens - 1.0;
        if setup.mode == ServingMode::Static || steps <= 0.0 {
            return Cumulants::certain(self.tpot.0);
        }
        let factor = 1.0 + setup.output_cv * setup.output_cv;
        Cumulants {
            mean: self.tpot.0,
            variance: self.noise.variance * factor / (steps * steps),
            third: self.noise.third * factor * factor * factor / (steps * steps * steps),
        }
    }

    /// The time from first to last token, over lengths of answers and those around them (law of total cumulance).
    #[must_use]
    pub fn answer_times(&self, setup: &InferenceSetup) -> Cumulants {
        let token = self.tpot.0;
        let steps = setup.steps(self.running) - 1.0;
        if setup.mode == ServingMode::Static || steps <= 0.0 {
            return Cumulants::certain(token * steps);
        }
        let (length, noise) = (setup.answer(), self.noise);
        Cumulants {
            mean: token * steps,
            variance: token * token * length.variance + noise.variance,
            third: token * token * token * length.third
                + 3.0 * token * length.variance * noise.variance / steps
                + noise.third,
        }
    }

    /// The time from request to last token.
    #[must_use]
    pub fn e2e_times(&self, setup: &InferenceSetup) -> Mixture {
        self.ttft_times.then(self.answer_times(setup))
    }

    /// Share of requests that keep both promises, which are taken as independent; NaN where nothing is promised.
    #[must_use]
    pub fn slo_attainment(&self, setup: &InferenceSetup) -> f64 {
        if setup.slo_ttft <= Seconds::ZERO && setup.slo_tpot <= Seconds::ZERO {
            return f64::NAN;
        }
        let first = if setup.slo_ttft > Seconds::ZERO { self.ttft_times.within(setup.slo_ttft.0) } else { 1.0 };
        let later = if setup.slo_tpot > Seconds::ZERO { self.tpot_times(setup).within(setup.slo_tpot.0) } else { 1.0 };
        first * later
    }

    /// Share of the device's time that prefills take of a request's; the other share is its part of the decode steps. Of two pools the
    /// share of the devices.
    #[must_use]
    pub fn prefill_share(&self, setup: &InferenceSetup) -> f64 {
        if let Some(pools) = &self.pools {
            return pools.prefill_devices / self.devices;
        }
        let prefill = self.stall.mean();
        let decode = self.terms.undisturbed() * setup.steps(self.running);
        let each = if setup.mode == ServingMode::Static { decode } else { decode / self.running };
        prefill / (prefill + each)
    }
}
