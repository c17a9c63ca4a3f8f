//! Widths of attention that compresses keys and values into one latent vector per token (DeepSeek-AI 2024, 2405.04434).

/// Widths of multi-head latent attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentWidths {
    /// Compressed keys and values of a token.
    pub latent: f64,
    /// Rotated part of a key, shared by the heads.
    pub rotated: f64,
    /// Unrotated part of one head's query and key.
    pub unrotated: f64,
    /// One head's value.
    pub value: f64,
}

impl LatentWidths {
    /// DeepSeek V2, V3, R1 and Kimi K2: the only widths in the timings.
    pub const DEEPSEEK: Self = Self { latent: 512.0, rotated: 64.0, unrotated: 128.0, value: 128.0 };

    /// Values of a token in the cache.
    #[must_use]
    pub fn cached(&self) -> f64 {
        self.latent + self.rotated
    }

    /// Operations per pair of query and key of a head while a prompt is read, keys and values expanded.
    #[must_use]
    pub fn expanded_flops(&self) -> f64 {
        2.0 * (self.unrotated + self.rotated + self.value)
    }

    /// Operations per pair in decoding, where the expansion is absorbed into queries and results.
    #[must_use]
    pub fn absorbed_flops(&self) -> f64 {
        2.0 * (self.cached() + self.latent)
    }
}

#[cfg(test)]
mod tests {
    use super::LatentWidths;

    #[test]
    fn deepseek() {
        let widths = LatentWidths::DEEPSEEK;
        assert_eq!((widths.cached(), widths.expanded_flops(), widths.absorbed_flops()), (576.0, 640.0, 2176.0));
    }
}
