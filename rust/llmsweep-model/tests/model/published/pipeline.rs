//! Pipeline schedules.
use crate::common::close;
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{llama, llama3_405b};
use llmsweep_model::parallel::pipeline::{in_flight, stages};
use llmsweep_model::phase::training::TrainingSetup;

/// Llama Team 2024, arXiv:2407.21783, section 3.3.2: one layer fewer on the first and on the last of 16 stages.
#[test]
fn llama_405b_has_126_layers_on_16_stages() {
    let classes = stages(&llama3_405b(), 16, 1).expect("16 stages of 126 layers");
    let sizes: Vec<(f64, f64)> = classes.iter().map(|stage| (stage.layer_count(), stage.count)).collect();
    assert_eq!(sizes, [(7.0, 1.0), (8.0, 14.0), (7.0, 1.0)]);
}

/// Narayanan et al. 2021, arXiv:2104.04473, sections 2.2.1 and 2.2.2: bubble over ideal time is `(p − 1)/m`, and `(p − 1)/(v·m)`
/// interleaved. A model of nearly no vocabulary, for the paper's stages are equal.
#[test]
fn bubbles_are_p_less_one_over_m_v() {
    let shape = llama(32, 4096, 32, 32, 11_008, 8);
    let machine = Machine { memory: 1e15, ..H100 };
    for (pipeline, batches, chunks) in [(4, 8, 1), (8, 64, 1), (4, 8, 2), (8, 64, 4)] {
        let setup =
            TrainingSetup { devices: pipeline, pipeline, virtual_pipeline: chunks, global_batch: batches, ..STEP };
        let row = train(&shape, &machine, ONE, &setup).expect("fits");
        let ideal = row.terms.compute() + row.terms.tensor;
        let published = f64::from(pipeline - 1) / f64::from(batches * chunks);
        close(row.terms.bubble / ideal, published, 5e-3);
    }
}

/// Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.3: interleaving holds `1 + (p − 1)/(p·m)` times the activations of the first
/// stage, `m` its chunks; GPT-3 with p = 8 and three chunks 1.29.
#[test]
fn interleaving_holds_more() {
    close(in_flight(8.0, 3.0, 64.0, 0.0) / in_flight(8.0, 1.0, 64.0, 0.0), 1.29, 2e-3);
}

/// 1F1B: as many as stages behind, but no more than there are (the same paper, section 4.2.3).
#[test]
fn one_forward_one_backward_holds_p_less_i() {
    close(in_flight(8.0, 1.0, 64.0, 5.0), 3.0, 1e-12);
    close(in_flight(8.0, 1.0, 2.0, 0.0), 2.0, 1e-12);
}
