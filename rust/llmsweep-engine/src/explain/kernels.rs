//! Kernels and messages of one layer, each with its work and its time.
use llmsweep_model::kernel::{KernelModel, Pass};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::work::{Kernel, Message, Op, Work};

use super::{Section, Term, short};

/// The kernels of a block, then its messages as `message_time` times them.
pub(super) fn section(
    title: String,
    work: &Work,
    kernels: &KernelModel,
    message_time: impl Fn(&Message) -> Seconds,
) -> Section {
    let mut terms: Vec<Term> = work.ops.iter().map(|op| kernel(op, kernels)).collect();
    for message in &work.messages {
        let time = message_time(message);
        let numbers = format!("{:?} of {} B", message.collective, short(message.bytes.0));
        terms.push(Term::new(message.name, time.0, "s", "collective").numbers(numbers));
    }
    let sum = terms.iter().filter_map(|term| term.value).sum();
    Section::new(title, terms).total(Term::new("one after the other", sum, "s", "Σ"))
}

fn kernel(op: &Op, kernels: &KernelModel) -> Term {
    let time = kernels.time(op, Pass::Forward);
    let numbers = format!("{} FLOP, {} B, launches: {}", short(op.flops.0), short(op.bytes.0), short(op.launches));
    Term::new(op.name, time.0, "s", law(op)).numbers(numbers)
}

/// The family of laws that times an operation.
const fn law(op: &Op) -> &'static str {
    match op.kernel {
        Kernel::Gemm(_) | Kernel::PlainGemm(_) => "gemm",
        Kernel::Quantise { .. } => "quantise",
        Kernel::Experts(_) => "grouped_gemm",
        Kernel::Attention(_) => "prefill_attention",
        Kernel::LatentAttention(..) => "latent_prefill",
        Kernel::UnfusedAttention(_) => "√(C² + M²)",
        Kernel::CacheRead(_) => "decode_attention",
        Kernel::LatentCacheRead(_) => "latent_decode",
        Kernel::Convolution(_) => "convolution",
        Kernel::Scan => "scan",
        Kernel::Elementwise => "elementwise",
    }
}
