//! Speculative decoding: a small model guesses tokens ahead, one step of the large one checks them all.
use super::times::{InferenceDevice, InferenceWork, PassTime};
use crate::arch::{Attention, DenseMlp, LayerKind, MixerKind, MlpKind, ModelShape};
use crate::memory::cache::CacheGrowth;
use crate::parallel::pipeline::{MAX_KINDS, StageClass};
use crate::precision::{KvPrecision, Precision, Quantised};
use crate::quantity::Seconds;
use crate::reject::Reject;
use crate::work::{Work, prediction};

/// Who guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speculation {
    /// Nobody: a step gives one token.
    None,
    /// A model of its own (Leviathan et al. 2023, arXiv:2211.17192).
    Draft,
    /// The model's multi-token-prediction layers (DeepSeek-AI 2024, arXiv:2412.19437, section 2.2).
    Mtp,
    /// A layer that continues the model's last features, with its table and head (Li et al. 2024, arXiv:2401.15077, section 3.1).
    Eagle,
}

impl Speculation {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 4] =
        [("none", Self::None), ("draft", Self::Draft), ("mtp", Self::Mtp), ("eagle", Self::Eagle)];
}

/// How far ahead is guessed and how well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// Tokens guessed before a step, γ.
    pub tokens: f64,
    /// Probability that a guess is accepted where those before it were, α.
    pub acceptance: f64,
}

impl Guess {
    /// Nothing is guessed.
    pub const NONE: Self = Self { tokens: 0.0, acceptance: 0.0 };

    /// Tokens that a step gives on average: the accepted ones and one of the large model's own, `(1 − α^(γ+1))/(1 − α)`.
    ///
    /// # Source
    /// Leviathan et al. 2023, arXiv:2211.17192, equation 1; the numbers are of its table 1.
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::speculation::Guess;
    /// let speed = |acceptance, tokens| Guess { tokens, acceptance }.accepted();
    /// assert!((speed(0.6, 2.0) - 1.96).abs() < 5e-3);
    /// assert!((speed(0.8, 5.0) - 3.69).abs() < 5e-3);
    /// assert!((speed(0.9, 10.0) - 6.86).abs() < 5e-3);
    /// assert_eq!(speed(1.0, 3.0), 4.0);
    /// ```
    #[must_use]
    pub fn accepted(&self) -> f64 {
        if self.tokens <= 0.0 {
            return 1.0;
        }
        let rejected = 1.0 - self.acceptance;
        // Nearly sure guesses leave nothing to divide by.
        if rejected < 1e-9 { self.tokens + 1.0 } else { (1.0 - self.acceptance.powf(self.tokens + 1.0)) / rejected }
    }
}

/// What guesses, on the devices of the last pipeline stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafter {
    /// The layers that one guess passes.
    shape: ModelShape,
    work: InferenceWork,
    /// Whether features and the last token are joined by a projection `2h × h`.
    joins: bool,
    /// How often the layers are held: each prediction layer guesses one token further.
    copies: f64,
    /// All that is held, as one stage.
    stage: StageClass,
    /// Weights on one device. \[B\]
    weights: f64,
}

impl Drafter {
    /// Of a model, spread over the tensor-parallel ranks as the model is, in its precision; `None` where nothing is guessed.
    pub fn of(
        speculation: Speculation,
        shape: &ModelShape,
        draft: Option<&ModelShape>,
        (precision, quantised, kv): (&Precision, Quantised, &KvPrecision),
        (tensor, expert, context): (u32, u32, u32),
    ) -> Result<Option<Self>, Reject> {
        let (own, expert, copies) = match speculation {
            Speculation::None => return Ok(None),
            Speculation::Draft => (draft.cloned(), 1, 1.0),
            Speculation::Mtp => (prediction_layer(shape), expert, f64::from(shape.mtp_layers)),
            Speculation::Eagle => (feature_layer(shape), 1, 1.0),
        };
        let own = own.ok_or(Reject::DrafterMissing)?;
        let work = InferenceWork::count(&own, precision, quantised, kv, (tensor, expert, context))
            .map_err(|_| Reject::DrafterSplit)?;
        let joins = speculation != Speculation::Draft;
        let stage = whole(&own, &work, copies);
        // Prediction and feature layers look tokens up in the model's table and use its head.
        let held = if joins { StageClass { first: false, last: false, ..stage } } else { stage };
        let hidden = f64::from(own.hidden);
        let projection =
            if joins { copies * 2.0 * hidden * hidden * work.widths.weight / f64::from(tensor) } else { 0.0 };
        let weights = work.stage_weights(&own, &held) + projection;
        Ok(Some(Self { shape: own, work, joins, copies, stage, weights }))
    }

    /// Weights on one device. \[B\]
    #[must_use]
    pub fn weights(&self) -> f64 {
        self.weights
    }

    /// Parameters that guess, over all devices; table and head where they are its own.
    #[must_use]
    pub fn parameters(&self) -> f64 {
        let hidden = f64::from(self.shape.hidden);
        if !self.joins {
            return self.shape.parameters();
        }
        let layer = |&(kind, count): &(LayerKind, u32)| f64::from(count) * self.shape.layer_parameters(kind).total();
        self.copies * (self.shape.kinds().iter().map(layer).sum::<f64>() + 2.0 * hidden * hidden)
    }

    /// Tokens that it can have seen.
    #[must_use]
    pub fn max_context(&self) -> f64 {
        f64::from(self.shape.max_context)
    }

    /// Cache of one request at a context on one device. \[B\]
    #[must_use]
    pub fn cache(&self, context: f64) -> f64 {
        self.work.stage_cache(&self.stage, context)
    }

    /// How one request's cache on one device grows with its context.
    #[must_use]
    pub fn growth(&self) -> CacheGrowth {
        self.work.growth(&self.stage)
    }

    /// One guess for each of `requests`, all but the reading of its cache.
    #[must_use]
    pub fn guess(&self, device: &InferenceDevice, requests: f64) -> PassTime {
        device.decode(&self.shape, &self.work, requests).plus(self.join(device, requests))
    }

    /// The reading of its cache for one guess of each of `requests`.
    #[must_use]
    pub fn cache_read(&self, device: &InferenceDevice, requests: f64, context: f64) -> Seconds {
        device.cache_read(&self.shape, &self.work, requests, context).total()
    }

    /// A chunk of prompts, which it must have seen too.
    #[must_use]
    pub fn prefill_chunk(&self, device: &InferenceDevice, sequences: f64, (tokens, past): (f64, f64)) -> PassTime {
        let layers = device.prefill_chunk(&self.shape, &self.work, sequences, (tokens, past));
        layers.plus(self.join(device, sequences * tokens)).times(self.copies)
    }

    fn join(&self, device: &InferenceDevice, rows: f64) -> PassTime {
        let mut work = Work::default();
        if self.joins {
            prediction::join(
                &mut work,
                f64::from(self.shape.hidden),
                self.work.rows(rows),
                &self.work.split,
                &self.work.widths,
            );
        }
        device.pass(&work, &self.work.split)
    }
}

/// All layers, the table and the head as one stage.
fn whole(shape: &ModelShape, work: &InferenceWork, copies: f64) -> StageClass {
    let mut layers = [0.0; MAX_KINDS];
    for (held, &(_, count)) in layers.iter_mut().zip(&work.kinds) {
        *held = count * copies;
    }
    StageClass {
        layers,
        layer_count: f64::from(shape.layers()) * copies,
        first: true,
        last: true,
        count: 1.0,
        earliest: 0.0,
    }
}

/// A prediction layer: one like the model's last.
fn prediction_layer(shape: &ModelShape) -> Option<ModelShape> {
    let last = *shape.sequence.last()?;
    (shape.mtp_layers > 0).then(|| ModelShape { sequence: vec![last], mtp_layers: 0, ..shape.clone() })
}

/// A dense layer with the model's attention; models of experts alone get an MLP as wide as the experts that a token meets.
fn feature_layer(shape: &ModelShape) -> Option<ModelShape> {
    let attention = match shape.attention? {
        Attention::Latent(latent) => Attention::Latent(crate::arch::LatentAttention { indexer: None, ..latent }),
        softmax @ Attention::Softmax(_) => softmax,
    };
    let as_wide = shape.moe.map(|moe| DenseMlp { ffn: moe.expert_ffn * moe.top_k + moe.shared_ffn, gated: moe.gated });
    let dense = shape.dense.or(as_wide)?;
    let kind = LayerKind::new(MixerKind::Full, MlpKind::Dense);
    Some(ModelShape {
        attention: Some(attention),
        dense: Some(dense),
        moe: None,
        linear: None,
        sequence: vec![kind],
        mtp_layers: 0,
        ..shape.clone()
    })
}
