//! Training, level row: gradients and weights exchanged by data parallelism, and the optimizer's update.
use super::training::{Step, TrainingLevels};
use super::training_times::{BlockTime, TrainingWork};
use super::update::Update;
use crate::arch::ModelShape;
use crate::memory::activations::Recompute;
use crate::memory::state::{DeviceParameters, table_parameters};
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

/// Parameters of one device of a stage. Prediction layers stand on the last, with a copy of the embedding where the first is another.
pub(super) fn stage_parameters(shape: &ModelShape, work: &TrainingWork, stage: &StageClass) -> DeviceParameters {
    let mut sum = DeviceParameters::of_stage(shape, &work.parameters, stage, work.split.tensor);
    if stage.last && work.prediction_layers > 0.0 {
        sum.dense += work.prediction_parameters.dense;
        sum.experts += work.prediction_parameters.experts;
        if !stage.first && !shape.tied_embeddings {
            sum.dense += table_parameters(shape) / work.split.tensor;
        }
    }
    sum
}

impl Step<'_> {
    /// Forward and backward pass of a micro-batch: every stage takes the slowest one's time, of which the forward pass is one part in three,
    /// or in four where it runs again.
    pub(super) fn passes(&self, slowest: &BlockTime) -> (Seconds, Seconds) {
        let whole_again = self.levels.work.layout.recompute == Recompute::Full;
        let forward = slowest.total() / if whole_again { 4.0 } else { 3.0 };
        (forward, slowest.total() - forward)
    }

    /// Exposed data-parallel messages and the optimizer's update, on the stage with the most parameters.
    ///
    /// Gradients are scattered while the last micro-batch runs backward and weights gathered while the next step starts forward; the last
    /// bucket, one layer's worth, is always exposed. ZeRO-2 scatters after every micro-batch; ZeRO-3 gathers weights for every micro-batch,
    /// forward and backward, ahead of the layer at work (Zhao et al. 2023, arXiv:2304.11277, section 3.3).
    pub(super) fn exchange(&self, slowest: &BlockTime) -> (Seconds, Update) {
        let TrainingLevels { device, system, precision, .. } = self.levels;
        let Self { setup, placement, micro_batches, .. } = self;
        let bytes = self.state_bytes();
        let plain = precision.unquantised_bytes();
        let fabric = &device.accelerator.fabric;
        let (dense_ring, expert_ring) = (placement.data_ring(), placement.expert_data_ring());
        let collective = |collective: Collective, parameters: &DeviceParameters, width: f64| {
            device.collectives.time(collective, Bytes(parameters.dense * width), dense_ring, fabric)
                + device.collectives.time(collective, Bytes(parameters.experts * width), expert_ring, fabric)
        };
        let mut worst = (Seconds::ZERO, Update::default());
        for stage in self.stages {
            let parameters = self.parameters(stage);
            let state = self.state(&parameters);
            let (forward, backward) = self.passes(slowest);
            let repeats = if setup.zero_stage >= 2 { *micro_batches } else { 1.0 };
            // Chunks of an interleaved schedule finish one by one: gradients of the first have the others' time to travel. What is sent for
            // every micro-batch has that micro-batch's time alone.
            let window = if setup.virtual_pipeline > 1 && setup.zero_stage < 2 {
                micro_batches.min(f64::from(setup.pipeline))
            } else {
                1.0
            };
            let width = system.gradient_message_bytes.min(bytes.gradient);
            let trained = &parameters.trained;
            let scatter = if setup.zero_stage == 0 {
                collective(Collective::AllReduce, trained, width)
            } else {
                collective(Collective::ReduceScatter, trained, width)
            };
            let gather = match setup.zero_stage {
                0 => Seconds::ZERO,
                3 => collective(Collective::AllGather, &parameters.held, bytes.weight.min(plain)),
                _ => collective(Collective::AllGather, trained, plain),
            };
            let hidden = |message: Seconds, compute: Seconds| {
                let last_bucket = message / stage.layer_count.max(1.0);
                (message - compute * window).max(last_bucket)
            };
            let data = if setup.zero_stage == 3 {
                hidden(gather, forward) + hidden(gather + scatter, backward)
            } else {
                hidden(scatter, backward) + hidden(gather, forward) / repeats
            } * repeats;
            let behind = if setup.zero_stage == 3 { gather + scatter } else { scatter };
            let update = self.update(stage, &parameters, &state, (backward - behind).max(Seconds::ZERO));
            let total = data + update.device + update.host;
            if total > worst.0 + worst.1.device + worst.1.host {
                worst = (data, update);
            }
        }
        worst
    }
}
