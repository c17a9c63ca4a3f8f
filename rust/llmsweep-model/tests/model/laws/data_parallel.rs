//! What data-parallel ranks send each other, and what they hold.
use super::layouts::power;
use crate::common::hardware::{A100, H100, Machine};
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{deepseek_v3, llama2_7b, llama3_8b};
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::phase::training::{TrainingRow, TrainingSetup};
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::reject::Reject;
use proptest::prelude::*;

/// Memory for anything.
const ROOMY: Machine = Machine { memory: 4e12, ..H100 };

const SMALL: TrainingLayout = TrainingLayout { sequence_length: 512, ..ONE };

fn run(devices: u32, zero_stage: u32, data_parallel_replicate: u32) -> TrainingRow {
    let setup = TrainingSetup { devices, global_batch: 2 * devices, zero_stage, data_parallel_replicate, ..STEP };
    train(&llama3_8b(), &ROOMY, SMALL, &setup).expect("fits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where every rank has a copy of its own nothing is sharded, and gradients are summed as without ZeRO.
    #[test]
    fn as_many_copies_as_ranks_are_no_sharding(doublings in 1..10_u32, zero_stage in 1..3_u32) {
        let devices = 1 << doublings;
        let (copies, plain) = (run(devices, zero_stage, devices), run(devices, 0, 1));
        prop_assert!((copies.terms.data / plain.terms.data - 1.0).abs() < 1e-12);
        prop_assert!((copies.memory.optimizer / plain.memory.optimizer - 1.0).abs() < 1e-12);
    }

    /// R copies hold R times as much.
    #[test]
    fn copies_take_memory(doublings in 3..10_u32, copies in power(3)) {
        let (one, more) = (run(1 << doublings, 3, 1), run(1 << doublings, 3, copies));
        let times = f64::from(copies);
        prop_assert!((more.memory.optimizer / one.memory.optimizer - times).abs() < 1e-9 * times);
        prop_assert!((more.memory.weights / one.memory.weights - times).abs() < 1e-9 * times);
    }

    #[test]
    fn a_faster_network_takes_no_longer(
        doublings in 4..10_u32, zero_stage in 0..4_u32, copies in power(4), tensor in power(4), factor in 1.0..4.0_f64,
    ) {
        let layout = TrainingLayout { tensor, sequence_parallel: true, ..SMALL };
        let devices = tensor << doublings;
        let setup = TrainingSetup {
            devices, global_batch: 2 << doublings, zero_stage, data_parallel_replicate: copies, ..STEP
        };
        let faster = Machine { network: ROOMY.network * factor, ..ROOMY };
        let (base, row) = (train(&llama3_8b(), &ROOMY, layout, &setup), train(&llama3_8b(), &faster, layout, &setup));
        prop_assert!(row.expect("fits").step.0 <= base.expect("fits").step.0 * (1.0 + 1e-9));
    }
}

/// Chen et al. 2023, "AMSP", arXiv:2311.00257, and Chen et al. 2024, "InternEvo", arXiv:2401.09149: on 1,024 A100s a 7 B model whose states are
/// sharded over all ranks is slower than one with shards inside groups of 8 to 64.
#[test]
fn shards_over_all_ranks_lose_against_shards_in_groups() {
    let roomy = Machine { memory: 4e12, ..A100 };
    let step = |copies: u32| {
        let layout = TrainingLayout { sequence_length: 4096, ..ONE };
        let setup =
            TrainingSetup { devices: 1024, global_batch: 1024, zero_stage: 3, data_parallel_replicate: copies, ..STEP };
        train(&llama2_7b(), &roomy, layout, &setup).expect("fits").step
    };
    for group in [8, 16, 32, 64] {
        assert!(step(1024 / group) < step(1), "groups of {group}: {:?} against {:?}", step(1024 / group), step(1));
    }
}

/// Copies must divide the ranks that hold the same dense parameters, and those that hold the same experts.
#[test]
fn copies_divide_ranks() {
    let layout = TrainingLayout { expert: 8, ..SMALL };
    let with = |data_parallel_replicate| {
        let setup = TrainingSetup { devices: 64, global_batch: 64, zero_stage: 1, data_parallel_replicate, ..STEP };
        train(&deepseek_v3(), &Machine { memory: 1e14, ..H100 }, layout, &setup).map(|row| row.replicas)
    };
    assert_eq!(with(8), Ok(64.0));
    assert_eq!(with(3), Err(Reject::DataParallelReplicate));
    assert_eq!(with(16), Err(Reject::DataParallelReplicate));
}

/// Tensor-parallel messages that leave the node hold the port that gradients need.
#[test]
fn messages_of_other_groups_share_the_port() {
    let terms = |domain: u32| {
        let layout = TrainingLayout { tensor: 16, sequence_parallel: true, sequence_length: 2048, ..ONE };
        let setup = TrainingSetup { devices: 512, global_batch: 32, zero_stage: 3, ..STEP };
        train(&llama3_8b(), &Machine { domain, ..ROOMY }, layout, &setup).expect("fits").terms
    };
    // The ranks that share gradients sit on different nodes either way.
    let (inside, across) = (terms(16), terms(8));
    assert!(across.tensor > inside.tensor);
    assert!(across.data > inside.data * 1.1, "{:?} {:?}", inside.data, across.data);
}

/// A ring hides behind long sequences and sticks out of short ones; a gather never hides; heads exchanged carry less than a gather's keys and
/// values where all heads have their own.
#[test]
fn exchanges_of_context() {
    let context = |context_exchange, sequence_length: u32| {
        let layout = TrainingLayout { context: 8, context_exchange, sequence_length, ..ONE };
        let setup = TrainingSetup { devices: 8, ..STEP };
        let alone = Machine { memory: 1e14, domain: 1, network: 200e9, ..H100 };
        let row = train(&llama2_7b(), &alone, layout, &setup).expect("fits");
        row.terms.context / row.terms.kernels.busy()
    };
    let (ring, gather, heads) = (ContextExchange::Ring, ContextExchange::AllGather, ContextExchange::AllToAll);
    assert!(context(ring, 131_072) < 0.05, "{}", context(ring, 131_072));
    assert!(context(ring, 8192) > 2.0 * context(ring, 131_072), "{}", context(ring, 8192));
    for length in [8192, 32_768, 131_072] {
        assert!(context(ring, length) < context(gather, length));
        assert!(context(heads, length) < context(gather, length));
        assert!(context(heads, length) > 0.0);
    }
}
