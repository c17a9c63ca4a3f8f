//! Which layers a pipeline stage holds.
use crate::arch::{LayerKind, ModelShape};
use crate::reject::Reject;

/// Largest number of distinct layer kinds that a model may have.
pub const MAX_KINDS: usize = 8;

/// Where the chunks of a model go, in the order of its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Around and around: chunk `c` on stage `c mod p`.
    Loop,
    /// There and back: the last chunk returns to the first stage.
    There,
    /// Two copies of the model, one from either end: stage `i` also holds what stage `p − 1 − i` does.
    Mirror,
}

impl Order {
    /// Copies of the model that the stages hold together; every micro-batch meets one (DeepSeek-AI 2024, arXiv:2412.19437, table 2).
    #[must_use]
    pub const fn copies(self) -> f64 {
        if matches!(self, Self::Mirror) { 2.0 } else { 1.0 }
    }
}

/// How a model is cut into stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Pipeline stages.
    pub pipeline: u32,
    /// Model chunks per stage.
    pub chunks: u32,
    /// Where they go.
    pub order: Order,
    /// Layers of the first stage; 0 where they are spread evenly.
    pub first_layers: u32,
    /// Layers of the last stage; 0 where they are spread evenly.
    pub last_layers: u32,
    /// Whether embedding and LM head count as a layer each.
    pub embedding_as_layers: bool,
}

impl Cut {
    /// Layers spread evenly.
    #[must_use]
    pub const fn even(pipeline: u32, chunks: u32) -> Self {
        Self { pipeline, chunks, order: Order::Loop, first_layers: 0, last_layers: 0, embedding_as_layers: false }
    }

    /// Stage on which a chunk stands; mirrored, that of the copy from the front.
    fn stage_of(&self, chunk: u32) -> u32 {
        let (round, step) = (chunk / self.pipeline, chunk % self.pipeline);
        if self.order == Order::There && round % 2 == 1 { self.pipeline - 1 - step } else { step }
    }
}

/// Stages next to each other with the same layers: they take the same time and, but for the number of waiting micro-batches, the same
/// memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageClass {
    /// Layers of each kind, in the order of [`ModelShape::kinds`].
    pub layers: [f64; MAX_KINDS],
    /// All of them.
    pub layer_count: f64,
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
    fn like(&self, other: &Self) -> bool {
        same_layers(&self.layers, &other.layers) && (self.first, self.last) == (other.first, other.last)
    }
}

/// The stages of a cut, from first to last, or why the model can't be cut so.
///
/// Layers are spread evenly; what does not divide goes to the middle chunks, for the first and last also carry embedding and head
/// (Llama-3.1-405B runs its 126 layers on 16 stages as 7, 8 × 14, 7; arXiv:2407.21783, section 3.3.2). Mirrored, a class holds the
/// layers of both copies.
pub fn stages(shape: &ModelShape, cut: &Cut) -> Result<Vec<StageClass>, Reject> {
    let sizes = chunk_layers(shape.layers(), cut)?;
    let kinds: Vec<LayerKind> = shape.kinds().into_iter().map(|(kind, _)| kind).collect();
    let empty =
        StageClass { layers: [0.0; MAX_KINDS], layer_count: 0.0, first: false, last: false, count: 1.0, earliest: 0.0 };
    let mut held = vec![empty; cut.pipeline as usize];
    let ends = cut.stage_of(sizes.len() as u32 - 1);
    held[0].first = true;
    held[ends as usize].last = true;
    let mut layers = shape.sequence.iter();
    for (chunk, &size) in sizes.iter().enumerate() {
        let stage = &mut held[cut.stage_of(chunk as u32) as usize];
        for layer in layers.by_ref().take(size as usize) {
            let kind = kinds.iter().position(|kind| kind == layer).ok_or(Reject::PipelineTooDeep)?;
            stage.layers[kind] += 1.0;
            stage.layer_count += 1.0;
        }
    }
    if cut.order == Order::Mirror {
        held = held.iter().zip(held.iter().rev()).map(|(front, back)| both(front, back)).collect();
    }
    let mut classes: Vec<StageClass> = Vec::new();
    for (stage, held) in held.into_iter().enumerate() {
        match classes.last_mut() {
            Some(class) if class.like(&held) => class.count += 1.0,
            _ => classes.push(StageClass { earliest: stage as f64, ..held }),
        }
    }
    Ok(classes)
}

/// What a device holds that is a stage of either copy.
fn both(front: &StageClass, back: &StageClass) -> StageClass {
    let mut layers = front.layers;
    for (sum, layers) in layers.iter_mut().zip(back.layers) {
        *sum += layers;
    }
    StageClass {
        layers,
        layer_count: front.layer_count + back.layer_count,
        first: front.first || back.first,
        last: front.last || back.last,
        ..*front
    }
}

/// Whole numbers, held as floats: equal when they differ by less than one.
fn same_layers(one: &[f64; MAX_KINDS], other: &[f64; MAX_KINDS]) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < 0.5)
}

/// Layers of every chunk.
///
/// Megatron-LM's `--account-for-embedding-in-pipeline-split` and its kin for the loss let embedding and head stand for a layer each;
/// `--decoder-first-pipeline-num-layers` and its kin for the last stage say their layers, and are not taken together with those
/// (`megatron/core/transformer/transformer_config.py`).
fn chunk_layers(layers: u32, cut: &Cut) -> Result<Vec<u32>, Reject> {
    let Cut { pipeline, chunks, first_layers, last_layers, .. } = *cut;
    let total = pipeline.checked_mul(chunks).ok_or(Reject::PipelineTooDeep)?;
    if first_layers > 0 || last_layers > 0 {
        return fixed_ends(layers, cut);
    }
    let slots = if cut.embedding_as_layers { layers.saturating_add(2) } else { layers };
    if slots < total {
        return Err(Reject::PipelineTooDeep);
    }
    let mut sizes = spread(slots, total);
    if cut.embedding_as_layers {
        sizes[0] -= 1;
        sizes[total as usize - 1] -= 1;
    }
    Ok(sizes)
}

/// Chunks of a model whose first or last stage has a number of layers of its own; the others share the rest evenly.
fn fixed_ends(layers: u32, cut: &Cut) -> Result<Vec<u32>, Reject> {
    let Cut { pipeline, chunks, first_layers, last_layers, .. } = *cut;
    let fixed = u32::from(first_layers > 0) + u32::from(last_layers > 0);
    let between = pipeline.saturating_sub(fixed);
    let rest = layers.checked_sub(first_layers.saturating_add(last_layers)).ok_or(Reject::StageLayers)?;
    let whole = first_layers.is_multiple_of(chunks) && last_layers.is_multiple_of(chunks);
    let shared = between.saturating_mul(chunks);
    let fits = if shared == 0 { rest == 0 } else { rest >= shared };
    if pipeline < 2 || cut.order != Order::Loop || cut.embedding_as_layers || !whole || !fits {
        return Err(Reject::StageLayers);
    }
    let mut middle = spread(rest, shared).into_iter();
    let mut sizes = Vec::with_capacity((pipeline * chunks) as usize);
    for _ in 0..chunks {
        for stage in 0..pipeline {
            sizes.push(match stage {
                0 if first_layers > 0 => first_layers / chunks,
                stage if stage + 1 == pipeline && last_layers > 0 => last_layers / chunks,
                _ => middle.next().ok_or(Reject::StageLayers)?,
            });
        }
    }
    Ok(sizes)
}

/// `layers` over `chunks`, the larger ones in the middle.
fn spread(layers: u32, chunks: u32) -> Vec<u32> {
    if chunks == 0 {
        return Vec::new();
    }
    let (base, extra) = (layers / chunks, layers % chunks);
    let start = (chunks - extra) / 2;
    (0..chunks).map(|chunk| base + u32::from(chunk >= start && chunk < start + extra)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama_405b_gives_its_outer_stages_seven_layers() {
        let sizes = spread(126, 16);
        assert_eq!((sizes[0], sizes[15]), (7, 7));
        assert!(sizes[1..15].iter().all(|&size| size == 8));
    }

    #[test]
    fn embedding_and_head_stand_for_layers() {
        let cut = Cut { embedding_as_layers: true, ..Cut::even(16, 8) };
        let sizes = chunk_layers(126, &cut).expect("126 layers in 128 chunks");
        assert_eq!((sizes[0], sizes[127]), (0, 0));
        assert!(sizes[1..127].iter().all(|&size| size == 1));
    }

    #[test]
    fn ends_have_the_layers_that_are_asked_for() {
        let cut = Cut { first_layers: 6, last_layers: 4, ..Cut::even(4, 2) };
        assert_eq!(chunk_layers(30, &cut), Ok(vec![3, 5, 5, 2, 3, 5, 5, 2]));
        let cut = Cut { first_layers: 3, ..Cut::even(4, 1) };
        assert_eq!(chunk_layers(14, &cut), Ok(vec![3, 4, 4, 3]));
    }

    #[test]
    fn ends_that_leave_too_few_are_refused() {
        let refused = |layers, cut: Cut| chunk_layers(layers, &cut) == Err(Reject::StageLayers);
        assert!(refused(8, Cut { first_layers: 8, ..Cut::even(4, 1) }));
        assert!(refused(8, Cut { first_layers: 9, ..Cut::even(4, 1) }));
        assert!(refused(8, Cut { first_layers: 3, last_layers: 4, ..Cut::even(2, 1) }));
        assert!(refused(8, Cut { first_layers: 3, ..Cut::even(2, 2) }));
        assert!(refused(8, Cut { first_layers: 8, ..Cut::even(1, 1) }));
        assert!(refused(8, Cut { first_layers: 2, embedding_as_layers: true, ..Cut::even(2, 1) }));
        assert!(refused(8, Cut { first_layers: 2, order: Order::There, ..Cut::even(2, 2) }));
    }
}
