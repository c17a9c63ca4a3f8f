//! What context-parallel ranks send, against the papers that propose it.
use crate::common::close;
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, count, train};
use crate::common::shapes::{llama2_7b, llama3_405b};
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingWork};
use llmsweep_model::reject::Reject;
use llmsweep_model::work::Group;

fn work(context_exchange: ContextExchange, context: u32) -> Result<TrainingWork, Reject> {
    count(&llama2_7b(), TrainingLayout { context, context_exchange, sequence_length: 32_768, ..ONE })
}

/// Bytes that one rank sends or gathers in one layer.
fn bytes(context_exchange: ContextExchange, context: u32) -> f64 {
    let work = work(context_exchange, context).expect("divides");
    let messages = work.layers[0].messages.iter().filter(|message| message.group == Group::Context);
    messages.map(|message| message.bytes.0 * message.count).sum()
}

/// Jacobs et al. 2023, arXiv:2309.14509, section 3.2: queries, keys and values (3·N·h) and the result (N·h) in all-to-alls, 4·N·h/P values per
/// link; constant where the sequence grows with the ranks.
#[test]
fn ulysses_section_3_2() {
    let values = |context: u32| 4.0 * 32_768.0 * 4096.0 / f64::from(context);
    for context in [2, 8, 32] {
        close(bytes(ContextExchange::AllToAll, context), 2.0 * values(context), 1e-12);
    }
    assert_eq!(work(ContextExchange::AllToAll, 64).err(), Some(Reject::ContextParallelHeads));
    assert!(work(ContextExchange::Ring, 64).is_ok());
}

/// Liu et al. 2023, arXiv:2310.01889, section 3: blocks of keys and values of c tokens, 4·b·c·h bytes in 16 bits, sent on by every rank; a gather
/// carries all of them.
#[test]
fn ring_attention_section_3() {
    close(bytes(ContextExchange::Ring, 8), 7.0 * 4.0 * 4096.0 * 4096.0, 1e-12);
    close(bytes(ContextExchange::AllGather, 8), 8.0 * 4.0 * 4096.0 * 4096.0, 1e-12);
}

/// Llama Team 2024, arXiv:2407.21783, section 3.3.2 and table 4: 16 context-parallel ranks over two nodes each at 131,072 tokens cost 5 % of the
/// rate (400 to 380 TFLOP/s), gathered keys and values included: they are small with grouped heads, O(S) against attention's O(S²).
/// The model gives the gathers 5.7 % of the step without its bubble.
#[test]
fn llama_3_gathers_keys_and_values() {
    let exposed = |context_exchange| {
        let layout = TrainingLayout {
            tensor: 8,
            context: 16,
            context_exchange,
            sequence_parallel: true,
            sequence_length: 131_072,
            ..ONE
        };
        let setup = TrainingSetup { devices: 16_384, pipeline: 16, global_batch: 128, zero_stage: 1, ..STEP };
        let row = train(&llama3_405b(), &Machine { memory: 1e12, ..H100 }, layout, &setup).expect("fits");
        row.terms.context / (row.step - row.terms.bubble)
    };
    let (gather, ring) = (exposed(ContextExchange::AllGather), exposed(ContextExchange::Ring));
    assert!(gather > 0.03 && gather < 0.06, "{gather}");
    assert!(ring < gather, "{ring}");
}
