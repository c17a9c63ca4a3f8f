//! Axes of the row level: of both phases and of training.
//!
//! Outermost what decides on the stages, then on the ranks, then on their state, last what the run is: so that most of a row is known before
//! most of its axes are.
use llmsweep_model::phase::training_state::Offload;

use super::{BOTH, COUNT, FROM_ZERO, STAGE_LAYERS, TOKENS, TRAINING, axis, in_unit, workload};
use crate::axes::Domain::{Amount, Bool, Choice, Integer, Positive};
use crate::axes::Fallback::{Name, Number, Required};
use crate::axes::Level::Row;
use crate::axes::{Axis, Domain, Fallback};

pub(super) const AXES: &[Axis] = &[
    axis("pipeline_parallel", BOTH, Row, COUNT, Fallback::Integer(1), "Stages into which the layers are split."),
    axis(
        "virtual_pipeline",
        TRAINING,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Model chunks per stage: 1f1b with more than 1 is the interleaved schedule.",
    ),
    axis(
        "schedule",
        TRAINING,
        Row,
        Choice(&["1f1b", "gpipe", "zero_bubble_h1", "zero_bubble_v", "dualpipe", "dualpipe_v"]),
        Name("1f1b"),
        "In which order pipeline stages work; 1f1b interleaves where virtual_pipeline is above 1.",
    ),
    axis(
        "first_stage_layers",
        TRAINING,
        Row,
        STAGE_LAYERS,
        Fallback::Integer(0),
        "Layers of the first pipeline stage; 0 spreads them evenly.",
    ),
    axis(
        "last_stage_layers",
        TRAINING,
        Row,
        STAGE_LAYERS,
        Fallback::Integer(0),
        "Layers of the last pipeline stage; 0 spreads them evenly.",
    ),
    axis(
        "embedding_as_layers",
        TRAINING,
        Row,
        Bool,
        Fallback::Bool(false),
        "Whether embedding and LM head count as a layer each where layers are spread over stages.",
    ),
    axis(
        "recompute_layers",
        TRAINING,
        Row,
        Integer { min: 0, max: 100_000 },
        Fallback::Integer(0),
        "Layers of a pipeline stage that recompute runs again; 0 is all of them.",
    ),
    workload(
        axis("devices", TRAINING, Row, COUNT, Required, "Accelerators of the run; data parallelism follows from it."),
        "",
    ),
    workload(axis("global_batch", TRAINING, Row, COUNT, Required, "Sequences of one optimizer step."), "sequences"),
    axis(
        "data_parallel_replicate",
        TRAINING,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Copies of what ZeRO shards; each is sharded over the nearest ranks (HSDP).",
    ),
    axis(
        "zero_stage",
        TRAINING,
        Row,
        Integer { min: 0, max: 3 },
        Fallback::Integer(1),
        "What the data-parallel group shards: 1 optimizer, 2 + gradients, 3 + weights (ZeRO).",
    ),
    axis(
        "optimizer",
        TRAINING,
        Row,
        Choice(&["adamw", "adamw_bf16", "adamw_8bit", "muon", "sgd_momentum"]),
        Name("adamw"),
        "The optimizer; sets the state held per parameter.",
    ),
    axis(
        "offload",
        TRAINING,
        Row,
        Domain::Subset(&Offload::NAMES),
        Name("none"),
        "What lives in the host's memory: the optimizer's state and update, activations.",
    ),
    axis(
        "spare_devices",
        TRAINING,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Accelerators beside devices that are paid for and take the place of failed ones.",
    ),
    in_unit(
        "h",
        axis(
            "device_mtbf_hours",
            TRAINING,
            Row,
            Positive,
            Number(50_000.0),
            "Mean time between failures of one accelerator, with its share of everything around it.",
        ),
    ),
    in_unit(
        "s",
        axis(
            "checkpoint_interval_s",
            TRAINING,
            Row,
            Amount,
            Number(0.0),
            "Training time between two checkpoints; 0 takes the best (Young, Daly).",
        ),
    ),
    workload(
        axis("tokens", TRAINING, Row, TOKENS, Fallback::Integer(1_000_000_000_000), "Tokens of the whole run."),
        "tokens",
    ),
    workload(
        axis(
            "tokens_per_parameter",
            TRAINING,
            Row,
            Amount,
            Number(0.0),
            "Tokens of the whole run per parameter of the model, in place of tokens; 20 is compute-optimal (Chinchilla), 0 \
             leaves it to tokens.",
        ),
        "tokens",
    ),
];
