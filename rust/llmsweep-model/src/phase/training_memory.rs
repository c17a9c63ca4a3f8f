//! Training, level row: memory of the fullest device.
use super::exchange::stage_parameters;
use super::training::{Step, TrainingLevels};
use super::training_times::TrainingWork;
use crate::memory::state::{ModelState, StateBytes};
use crate::parallel::pipeline::in_flight;
use crate::quantity::Bytes;
use crate::reject::Reject;

/// Memory of the fullest device. \[B\]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainingMemory {
    /// Weights.
    pub weights: f64,
    /// Gradients.
    pub gradients: f64,
    /// Optimizer state.
    pub optimizer: f64,
    /// Activations, logits and gathered weights.
    pub activations: f64,
    /// All of it, with what the allocator wastes.
    pub peak: f64,
    /// What a process can use.
    pub usable: f64,
    /// Stage that is fullest, from 0.
    pub stage: f64,
}

impl Step<'_> {
    /// The fullest stage. What holds it is reported: weights alone, model state, or activations on top.
    pub(super) fn peak_memory(&self) -> Result<TrainingMemory, Reject> {
        let TrainingLevels { shape, precision, work, device, system, .. } = self.levels;
        let setup = self.setup;
        let bytes = StateBytes::of(precision, setup.optimizer);
        let usable = (device.accelerator.memory - system.context).max(Bytes::ZERO).0;
        let mut fullest = TrainingMemory { usable, ..TrainingMemory::default() };
        for stage in self.stages {
            let parameters = stage_parameters(shape, work, stage);
            let (data_ranks, expert_ranks) =
                (self.placement.sharding().shards.size, self.placement.expert_sharding().shards.size);
            let state = ModelState::of(&parameters, &bytes, setup.zero_stage, data_ranks, expert_ranks);
            let chunks = f64::from(setup.virtual_pipeline);
            let waiting = in_flight(f64::from(setup.pipeline), chunks, self.micro_batches, stage.earliest);
            let layers: f64 = work.kept_bytes.iter().zip(stage.layers).map(|(kept, count)| kept * count).sum();
            let (prediction, logits) =
                if stage.last { (work.prediction_kept_bytes, work.logits_bytes) } else { (0.0, 0.0) };
            let kept = layers + prediction;
            let gathered = if setup.zero_stage == 3 { gathered_weights(work, bytes.weight) } else { 0.0 };
            let activations = kept * waiting + work.live_bytes + logits + gathered;
            let peak = (state.total() + activations) * system.fragmentation;
            if peak > fullest.peak {
                fullest = TrainingMemory {
                    weights: state.weights,
                    gradients: state.gradients,
                    optimizer: state.optimizer,
                    activations,
                    peak,
                    usable,
                    stage: stage.earliest,
                };
            }
        }
        if fullest.peak <= usable {
            Ok(fullest)
        } else if fullest.weights > usable {
            Err(Reject::WeightsDoNotFit)
        } else if (fullest.peak / system.fragmentation - fullest.activations) * system.fragmentation > usable {
            Err(Reject::OptimizerDoesNotFit)
        } else {
            Err(Reject::ActivationsDoNotFit)
        }
    }
}

/// ZeRO-3 holds the whole weights of the layer at work and of the one it fetches ahead.
fn gathered_weights(work: &TrainingWork, weight_bytes: f64) -> f64 {
    let prediction = &work.prediction_parameters;
    let one_prediction = (prediction.dense + prediction.experts) / work.prediction_layers.max(1.0);
    let largest = work.parameters.iter().map(|layer| layer.dense + layer.experts).fold(one_prediction, f64::max);
    2.0 * largest * weight_bytes
}
