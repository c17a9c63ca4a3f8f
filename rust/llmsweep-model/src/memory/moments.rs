//! The moments of a training step at which a device may hold most.

/// What a device holds beside its model state at one moment of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Activations of the micro-batches in flight, and of the layer that is computed again. \[B\]
    pub activations: f64,
    /// Logits and their gradient. \[B\]
    pub logits: f64,
    /// Whole weights of layers that data parallelism holds in parts. \[B\]
    pub gathered: f64,
    /// What lives for one kernel or one message. \[B\]
    pub temporary: f64,
}

impl Moment {
    /// All of it. \[B\]
    #[must_use]
    pub fn total(&self) -> f64 {
        self.activations + self.logits + self.gathered + self.temporary
    }
}

/// What a stage holds in the course of a step, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageStep {
    /// Activations that one micro-batch keeps.
    pub kept: f64,
    /// Micro-batches that wait for their backward pass, the one at work included.
    pub in_flight: f64,
    /// Activations of the layer that full recomputation runs again.
    pub live: f64,
    /// Logits and their gradient; 0 on all stages but the last.
    pub logits: f64,
    /// Whole weights of the layers at work under ZeRO-3.
    pub gathered: f64,
    /// Gradient of the largest layer's weights, as the backward pass writes it before it is added to the sum.
    pub layer_gradient: f64,
    /// The same of the LM head; 0 on all stages but the last.
    pub head_gradient: f64,
    /// The same of the embedding; 0 on all stages but the first.
    pub embedding_gradient: f64,
    /// The shard's gradients in single precision, where the optimizer has to make them.
    pub update: f64,
    /// Buffers that stay: those of messages.
    pub buffers: f64,
}

impl StageStep {
    /// What is held at the moment at which most is: the same as that of [`StageStep::fullest`], term by term.
    #[inline]
    #[must_use]
    pub fn most(&self) -> f64 {
        self.totals().into_iter().fold(0.0, f64::max)
    }

    /// What is held at each moment.
    #[inline]
    fn totals(&self) -> [f64; 4] {
        let Self { gathered, buffers, .. } = *self;
        [
            self.waiting() + self.live + gathered + (self.layer_gradient + buffers),
            self.waiting() + self.logits + gathered + (self.head_gradient + buffers),
            self.others() + gathered + (self.embedding_gradient + buffers),
            self.update + buffers,
        ]
    }

    /// Activations of all micro-batches that wait for their backward pass.
    fn waiting(&self) -> f64 {
        self.kept * self.in_flight
    }

    /// The same without the one at work.
    fn others(&self) -> f64 {
        self.kept * (self.in_flight - 1.0).max(0.0)
    }

    /// The moment at which most is held: a layer's backward pass, the loss, the embedding's gradient, or the optimizer's update.
    ///
    /// ```
    /// # use llmsweep_model::memory::moments::StageStep;
    /// // One stage of Llama-3-70B's first 12 layers, t = 8, 4,096 tokens: 1.69 GB kept, 0.39 of logits, 0.26 of the head's gradient.
    /// let layers = StageStep { kept: 1.69e9, in_flight: 1.0, layer_gradient: 0.21e9, ..StageStep::default() };
    /// let stage = StageStep { logits: 0.39e9, head_gradient: 0.26e9, ..layers };
    /// assert!((stage.fullest().total() - 2.34e9).abs() < 1.0);
    /// ```
    #[must_use]
    pub fn fullest(&self) -> Moment {
        let Self { gathered, buffers, .. } = *self;
        let (mut fullest, mut most) = (None, 0.0);
        for (moment, total) in self.totals().into_iter().enumerate() {
            if total > most {
                (fullest, most) = (Some(moment), total);
            }
        }
        let temporary = |gradient: f64| gradient + buffers;
        match fullest {
            Some(0) => Moment {
                activations: self.waiting() + self.live,
                logits: 0.0,
                gathered,
                temporary: temporary(self.layer_gradient),
            },
            Some(1) => Moment {
                activations: self.waiting(),
                logits: self.logits,
                gathered,
                temporary: temporary(self.head_gradient),
            },
            Some(2) => Moment {
                activations: self.others(),
                logits: 0.0,
                gathered,
                temporary: temporary(self.embedding_gradient),
            },
            Some(_) => Moment { temporary: temporary(self.update), ..Moment::default() },
            None => Moment::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: StageStep = StageStep {
        kept: 2.0,
        in_flight: 4.0,
        live: 1.0,
        logits: 0.0,
        gathered: 0.0,
        layer_gradient: 1.0,
        head_gradient: 0.0,
        embedding_gradient: 0.0,
        update: 0.0,
        buffers: 0.5,
    };

    #[test]
    fn one_moment_is_shown_not_their_sum() {
        let backward = Moment { activations: 9.0, logits: 0.0, gathered: 0.0, temporary: 1.5 };
        assert_eq!(STAGE.fullest(), backward);
        let loss = StageStep { logits: 3.0, head_gradient: 1.0, ..STAGE }.fullest();
        assert_eq!(loss, Moment { activations: 8.0, logits: 3.0, gathered: 0.0, temporary: 1.5 });
        let embedding = StageStep { embedding_gradient: 5.0, ..STAGE }.fullest();
        assert_eq!(embedding, Moment { activations: 6.0, logits: 0.0, gathered: 0.0, temporary: 5.5 });
        let update = StageStep { update: 11.0, ..STAGE }.fullest();
        assert_eq!(update, Moment { activations: 0.0, logits: 0.0, gathered: 0.0, temporary: 11.5 });
    }
}
