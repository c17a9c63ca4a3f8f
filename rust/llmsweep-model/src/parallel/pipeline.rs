//! Which layers a pipeline stage holds, and how many micro-batches wait on it.
use crate::arch::{LayerKind, ModelShape};

/// Largest number of distinct layer kinds that a model may have.
pub const MAX_KINDS: usize = 8;

/// Stages with the same layers: they take the same time and, but for the number of waiting micro-batches, the same memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageClass {
    /// Layers of each kind, in the order of [`ModelShape::kinds`].
    pub layers: [f64; MAX_KINDS],
    /// Whether the embedding stands before the first layer.
    pub first: bool,
    /// Whether the LM head stands after the last layer.
    pub last: bool,
    /// Stages of this class.
    pub count: f64,
    /// The earliest stage of this class, from 0: it holds the most micro-batches.
    pub earliest: f64,
}

impl StageClass {
    /// All layers of the stage.
    #[must_use]
    pub fn layer_count(&self) -> f64 {
        self.layers.iter().sum()
    }
}

/// The stages of `pipeline` devices with `chunks` model chunks each; `None` if there are fewer layers than chunks.
///
/// Layers are spread evenly; what does not divide goes to the middle chunks, for the first and last also carry embedding and head
/// (Llama-3.1-405B runs its 126 layers on 16 stages as 7, 8 × 14, 7; arXiv:2407.21783, section 3.3.2).
#[must_use]
pub fn stages(shape: &ModelShape, pipeline: u32, chunks: u32) -> Option<Vec<StageClass>> {
    let total = pipeline.checked_mul(chunks)?;
    let layers = shape.layers();
    if layers < total {
        return None;
    }
    let kinds: Vec<LayerKind> = shape.kinds().into_iter().map(|(kind, _)| kind).collect();
    let mut classes: Vec<StageClass> = Vec::new();
    let bounds = chunk_bounds(layers, total);
    for stage in 0..pipeline {
        let mut counts = [0.0; MAX_KINDS];
        for chunk in (stage..total).step_by(pipeline as usize) {
            for layer in bounds[chunk as usize]..bounds[chunk as usize + 1] {
                let kind = kinds.iter().position(|kind| *kind == shape.sequence[layer as usize])?;
                counts[kind] += 1.0;
            }
        }
        let (first, last) = (stage == 0, stage + 1 == pipeline);
        let same =
            |class: &&mut StageClass| same_layers(&class.layers, &counts) && (class.first, class.last) == (first, last);
        match classes.iter_mut().find(same) {
            Some(class) => class.count += 1.0,
            None => classes.push(StageClass { layers: counts, first, last, count: 1.0, earliest: f64::from(stage) }),
        }
    }
    Some(classes)
}

/// Whole numbers, held as floats: equal when they differ by less than one.
fn same_layers(one: &[f64; MAX_KINDS], other: &[f64; MAX_KINDS]) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < 0.5)
}

/// First layer of every chunk, and the number of layers at the end.
fn chunk_bounds(layers: u32, chunks: u32) -> Vec<u32> {
    let (base, extra) = (layers / chunks, layers % chunks);
    let start = (chunks - extra) / 2;
    let mut bounds = Vec::with_capacity(chunks as usize + 1);
    bounds.push(0);
    for chunk in 0..chunks {
        let longer = u32::from(chunk >= start && chunk < start + extra);
        bounds.push(bounds[chunk as usize] + base + longer);
    }
    bounds
}

/// Micro-batches, in units of the stage's whole activations, that wait for their backward pass on stage `stage` of `pipeline`.
///
/// 1F1B: `min(m, p − i)`; interleaved, in chunks of `1/v`: `((v−1)·p + 2·(p−i−1) + 1)/v`, which on stage 0 is `p·(1 + (p−1)/(p·v))`
/// (Narayanan et al. 2021, arXiv:2104.04473, section 2.2; Korthikanti et al. 2022, appendix B).
///
/// ```
/// # use llmsweep_model::parallel::pipeline::in_flight;
/// assert_eq!(in_flight(8.0, 1.0, 64.0, 0.0), 8.0);
/// assert_eq!(in_flight(8.0, 2.0, 64.0, 0.0), 8.0 * (1.0 + 7.0 / 16.0));
/// ```
#[must_use]
pub fn in_flight(pipeline: f64, chunks: f64, micro_batches: f64, stage: f64) -> f64 {
    let waiting = if chunks <= 1.0 {
        pipeline - stage
    } else {
        ((chunks - 1.0) * pipeline + 2.0 * (pipeline - stage - 1.0) + 1.0) / chunks
    };
    waiting.min(micro_batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama_405b_gives_its_outer_stages_seven_layers() {
        let bounds = chunk_bounds(126, 16);
        let sizes: Vec<u32> = bounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(sizes[0], 7);
        assert_eq!(sizes[15], 7);
        assert!(sizes[1..15].iter().all(|&size| size == 8));
    }
}
