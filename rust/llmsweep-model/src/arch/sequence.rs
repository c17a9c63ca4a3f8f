//! Builders of a model's layer sequence from the few numbers that papers and configs state.
use super::{LayerKind, MixerKind, MlpKind};

impl LayerKind {
    /// A layer with this mixer and MLP.
    #[must_use]
    pub const fn new(mixer: MixerKind, mlp: MlpKind) -> Self {
        Self { mixer, mlp }
    }
}

/// `layers` layers of one kind.
///
/// ```
/// use llmsweep_model::arch::{LayerKind, MixerKind, MlpKind, sequence::uniform};
/// assert_eq!(uniform(80, LayerKind::new(MixerKind::Full, MlpKind::Dense)).len(), 80);
/// ```
#[must_use]
pub fn uniform(layers: u32, kind: LayerKind) -> Vec<LayerKind> {
    vec![kind; layers as usize]
}

/// Gives `marked` of the layers another mixer, spread evenly; where one in `n` is marked it is the last of each `n`.
///
/// Layer `i` is marked when `⌊(i+1)·marked/L⌋` exceeds `⌊i·marked/L⌋`: Qwen3-Next's 12 of 48 are layers 4, 8, … 48.
/// More marks than layers mark all of them.
pub fn spread_mixer(sequence: &mut [LayerKind], marked: u32, mixer: MixerKind) {
    let layers = sequence.len() as u64;
    for (index, kind) in (0_u64..).zip(sequence.iter_mut()) {
        if (index + 1) * u64::from(marked) / layers > index * u64::from(marked) / layers {
            kind.mixer = mixer;
        }
    }
}

/// Makes the MLP of every `every`-th layer a mixture of experts, except in the first `first_dense` layers.
///
/// DeepSeek-V3: `first_dense` 3, `every` 1. Llama-4 Maverick: `every` 2, so layers 2, 4, … 48. An `every` of 0 counts as 1.
pub fn place_experts(sequence: &mut [LayerKind], first_dense: u32, every: u32) {
    for (index, kind) in (0_u32..).zip(sequence.iter_mut()) {
        if index >= first_dense && (index + 1) % every.max(1) == 0 {
            kind.mlp = MlpKind::Moe;
        }
    }
}

/// How many blocks of each sort a model has that writes mixers and MLPs as layers of their own (Nemotron-H).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// State-space or linear mixers.
    pub linear: u32,
    /// Attention mixers.
    pub attention: u32,
    /// Dense MLPs.
    pub dense: u32,
    /// Mixtures of experts.
    pub moe: u32,
}

/// A sequence of single blocks with each sort spread evenly: an approximation of the published pattern string.
///
/// The kind that lags furthest behind its share comes next, so any prefix holds each sort in proportion to within one block
/// or so. Pipeline stages then weigh what they should even where the published order differs in detail.
#[must_use]
pub fn interleaved(blocks: Blocks) -> Vec<LayerKind> {
    let kinds = [
        (LayerKind::new(MixerKind::Linear, MlpKind::None), blocks.linear),
        (LayerKind::new(MixerKind::None, MlpKind::Dense), blocks.dense),
        (LayerKind::new(MixerKind::None, MlpKind::Moe), blocks.moe),
        (LayerKind::new(MixerKind::Full, MlpKind::None), blocks.attention),
    ];
    let total: u32 = kinds.iter().map(|(_, count)| count).sum();
    let mut placed = [0_u32; 4];
    let mut sequence = Vec::with_capacity(total as usize);
    for position in 1..=total {
        let lag =
            |sort: usize| f64::from(kinds[sort].1) * f64::from(position) / f64::from(total) - f64::from(placed[sort]);
        // On a tie the earlier sort of the table comes first: a mixer before its MLP.
        let next = (0..kinds.len())
            .filter(|&sort| placed[sort] < kinds[sort].1)
            .reduce(|best, sort| if lag(sort) > lag(best) + 1e-9 { sort } else { best });
        if let Some(sort) = next {
            sequence.push(kinds[sort].0);
            placed[sort] += 1;
        }
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL_DENSE: LayerKind = LayerKind::new(MixerKind::Full, MlpKind::Dense);

    fn positions(sequence: &[LayerKind], wanted: impl Fn(LayerKind) -> bool) -> Vec<usize> {
        sequence.iter().enumerate().filter(|(_, kind)| wanted(**kind)).map(|(index, _)| index).collect()
    }

    #[test]
    fn one_in_four_is_the_last_of_four() {
        let mut sequence = uniform(12, LayerKind::new(MixerKind::Linear, MlpKind::Moe));
        spread_mixer(&mut sequence, 3, MixerKind::Full);
        assert_eq!(positions(&sequence, |kind| kind.mixer == MixerKind::Full), [3, 7, 11]);
    }

    #[test]
    fn uneven_shares_keep_their_count() {
        let mut sequence = uniform(26, FULL_DENSE);
        spread_mixer(&mut sequence, 22, MixerKind::Sliding);
        assert_eq!(positions(&sequence, |kind| kind.mixer == MixerKind::Sliding).len(), 22);
        spread_mixer(&mut sequence, 100, MixerKind::Full);
        assert_eq!(positions(&sequence, |kind| kind.mixer == MixerKind::Full).len(), 26);
        spread_mixer(&mut [], 1, MixerKind::Full);
    }

    #[test]
    fn experts_follow_the_dense_head() {
        let mut sequence = uniform(61, FULL_DENSE);
        place_experts(&mut sequence, 3, 1);
        assert_eq!(positions(&sequence, |kind| kind.mlp == MlpKind::Dense), [0, 1, 2]);
        let mut alternate = uniform(6, FULL_DENSE);
        place_experts(&mut alternate, 0, 2);
        assert_eq!(positions(&alternate, |kind| kind.mlp == MlpKind::Moe), [1, 3, 5]);
    }

    #[test]
    fn nemotron_h_has_its_118_blocks() {
        let sequence = interleaved(Blocks { linear: 54, attention: 10, dense: 54, moe: 0 });
        assert_eq!(sequence.len(), 118);
        assert_eq!(positions(&sequence, |kind| kind.mixer == MixerKind::Full).len(), 10);
        assert_eq!(positions(&sequence, |kind| kind.mlp == MlpKind::Dense).len(), 54);
        assert_eq!(sequence[0], LayerKind::new(MixerKind::Linear, MlpKind::None));
        assert_eq!(positions(&sequence[..59], |kind| kind.mixer == MixerKind::Full).len(), 5);
    }
}
