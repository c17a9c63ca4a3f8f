//! The key-value cache and recurrent states.
use crate::common::close;
use crate::common::shapes::{deepseek_v3, llama2_70b, llama3_8b, llama3_405b, qwen3_next, sliding, softmax};
use llmsweep_model::arch::{LayerKind, LinearMixer, MixerKind, MlpKind, ModelShape};
use llmsweep_model::memory::cache::LayerCache;
use llmsweep_model::work::Split;
use llmsweep_model::work::decode::cached_values;
use llmsweep_model::work::linear::LinearShape;

fn bytes_per_token(shape: &ModelShape) -> f64 {
    let layer = |&(kind, count): &(LayerKind, u32)| f64::from(count) * cached_values(shape.attention, kind.mixer);
    2.0 * shape.kinds().iter().map(layer).sum::<f64>()
}

/// DeepSeek-AI 2025, "Insights into DeepSeek-V3", arXiv:2505.09343, table 1: KV cache per token in bf16, exact.
#[test]
fn insights_table_1() {
    close(bytes_per_token(&deepseek_v3()), 70.272e3, 1e-12);
    close(bytes_per_token(&llama3_405b()), 516.096e3, 1e-12);
}

/// 2 · 80 layers · 8 heads · 128 channels · 2 bytes (Touvron et al. 2023, arXiv:2307.09288, the released configuration).
#[test]
fn llama2_70b_caches_327_680_bytes_per_token() {
    close(bytes_per_token(&llama2_70b()), 327_680.0, 1e-12);
}

/// Shazeer 2019, arXiv:1911.02150, section 3: one key-value head divides the cache by the number of heads; Ainslie et al. 2023,
/// arXiv:2305.13245, section 2.2: `g` groups divide it by `a/g`.
#[test]
fn fewer_key_value_heads_cache_less() {
    let with = |kv_heads| bytes_per_token(&ModelShape { attention: softmax(32, kv_heads, 128), ..llama3_8b() });
    close(with(32) / with(1), 32.0, 1e-12);
    close(with(32) / with(8), 4.0, 1e-12);
}

/// Tensor parallelism splits heads down to one per device, and a latent not at all.
#[test]
fn ranks_beyond_the_heads_hold_copies() {
    let kind = LayerKind::new(MixerKind::Full, MlpKind::Dense);
    let per_device =
        |shape: &ModelShape, tensor| LayerCache::of(shape, kind, 2.0, &Split { tensor, ..Split::NONE }).bytes_per_token;
    let whole = per_device(&llama2_70b(), 1.0);
    close(per_device(&llama2_70b(), 8.0), whole / 8.0, 1e-12);
    close(per_device(&llama2_70b(), 16.0), whole / 8.0, 1e-12);
    close(per_device(&deepseek_v3(), 8.0), per_device(&deepseek_v3(), 1.0), 1e-12);
}

/// Gemma-3's report, arXiv:2503.19786, section 2: windowed layers hold their window whatever the context.
#[test]
fn a_window_holds_no_more_than_itself() {
    let kind = LayerKind::new(MixerKind::Sliding, MlpKind::Dense);
    let cache = LayerCache::of(&sliding(), kind, 2.0, &Split::NONE);
    close(cache.request_bytes(512.0), 512.0 * 4096.0, 1e-12);
    close(cache.request_bytes(100_000.0), 1024.0 * 4096.0, 1e-12);
}

/// Qwen3-Next: 32 value heads of 128 × 128 in single precision are 2 MiB per layer and request, and the convolution's window
/// 4 · 8,192 channels in 16 bits.
#[test]
fn a_delta_net_holds_two_mebibytes() {
    let shape = qwen3_next();
    let mixer = LinearShape::of(&shape.linear.expect("Qwen3-Next has delta-net layers"));
    close(mixer.state * 4.0, 2.0 * 1024.0 * 1024.0, 1e-12);
    close(mixer.window, 4.0 * 8192.0, 1e-12);
    let cache = LayerCache::of(&shape, shape.sequence[0], 2.0, &Split::NONE);
    close(cache.request_bytes(1e6), 2_097_152.0 + 65_536.0, 1e-12);
}

/// Dao & Gu 2024, arXiv:2405.21060, the released Mamba-2 2.7B: 80 heads of 64 channels with a state of 128: 655,360 values per layer.
#[test]
fn mamba2_2_7b_holds_655_360_values() {
    let mixer = LinearMixer::Mamba2 { heads: 80, head_dim: 64, state: 128, groups: 1, conv: 4 };
    close(LinearShape::of(&mixer).state, 655_360.0, 1e-12);
}
