//! Mixers whose state does not grow: gated delta-net, lightning attention, Mamba.
use super::{Kernel, Op, Part, Split, Tokens, Widths, Work, launches};
use crate::arch::LinearMixer;
use crate::law::ConvolutionShape;
use crate::quantity::{Bytes, Flops};

/// Bytes of a recurrent state's value: states are kept in single precision.
pub const STATE_BYTES: f64 = 4.0;

/// Dimensions of a linear mixer, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearShape {
    /// Columns of the input projection.
    pub input_columns: f64,
    /// Rows of the output projection.
    pub output_rows: f64,
    /// Columns of the inner projection to step size, input and output maps (Mamba-1's `x`); 0 where the input projection gives them.
    pub inner_columns: f64,
    /// Rank of the step size's own projection (Mamba-1's `dt`).
    pub step_rank: f64,
    /// FLOPs of the recurrence per token.
    pub scan_flops: f64,
    /// Values of the state of one request.
    pub state: f64,
    /// Values of the convolution's window of one request.
    pub window: f64,
    /// Tokens that the convolution spans; 0 where there is none.
    pub convolution_width: f64,
}

impl LinearShape {
    /// The dimensions of a mixer on a residual stream of `hidden` channels.
    ///
    /// The recurrence of a matrix state `p × n` per head costs a decay, an outer-product update and a read-out: `6·p·n` FLOPs per head
    /// and token (Dao & Gu 2024, arXiv:2405.21060, section 6); the delta rule reads the state once more, `8·p·n` (Yang et al. 2024,
    /// arXiv:2412.06464, equation 10).
    #[must_use]
    pub fn of(mixer: &LinearMixer) -> Self {
        match *mixer {
            LinearMixer::GatedDeltaNet { key_heads, value_heads, key_dim, value_dim, conv } => {
                let keys = f64::from(key_heads * key_dim);
                let values = f64::from(value_heads * value_dim);
                let state = f64::from(value_heads) * f64::from(key_dim) * f64::from(value_dim);
                Self {
                    input_columns: 2.0 * keys + 2.0 * values + 2.0 * f64::from(value_heads),
                    output_rows: values,
                    inner_columns: 0.0,
                    step_rank: 0.0,
                    scan_flops: 8.0 * state,
                    state,
                    window: (2.0 * keys + values) * f64::from(conv),
                    convolution_width: f64::from(conv),
                }
            }
            LinearMixer::Lightning { heads, head_dim } => {
                let channels = f64::from(heads * head_dim);
                let state = channels * f64::from(head_dim);
                Self {
                    input_columns: 4.0 * channels,
                    output_rows: channels,
                    inner_columns: 0.0,
                    step_rank: 0.0,
                    scan_flops: 6.0 * state,
                    state,
                    window: 0.0,
                    convolution_width: 0.0,
                }
            }
            LinearMixer::Mamba1 { inner, state, dt_rank, conv, .. } => {
                let inner = f64::from(inner);
                let (state, dt_rank) = (f64::from(state), f64::from(dt_rank));
                Self {
                    input_columns: 2.0 * inner,
                    output_rows: inner,
                    inner_columns: dt_rank + 2.0 * state,
                    step_rank: dt_rank,
                    scan_flops: 6.0 * inner * state,
                    state: inner * state,
                    window: inner * f64::from(conv),
                    convolution_width: f64::from(conv),
                }
            }
            LinearMixer::Mamba2 { heads, head_dim, state, groups, conv } => {
                let inner = f64::from(heads * head_dim);
                let shared = 2.0 * f64::from(groups) * f64::from(state);
                Self {
                    input_columns: 2.0 * inner + shared + f64::from(heads),
                    output_rows: inner,
                    inner_columns: 0.0,
                    step_rank: 0.0,
                    scan_flops: 6.0 * inner * f64::from(state),
                    state: inner * f64::from(state),
                    window: (inner + shared) * f64::from(conv),
                    convolution_width: f64::from(conv),
                }
            }
        }
    }

    /// Bytes of one request's state on one of `tensor` devices: it does not grow with context.
    ///
    /// ```
    /// # use llmsweep_model::{arch::LinearMixer, work::linear::LinearShape};
    /// let mamba2 = LinearMixer::Mamba2 { heads: 80, head_dim: 64, state: 128, groups: 1, conv: 4 };
    /// assert_eq!(LinearShape::of(&mamba2).state_bytes(2.0, 1.0), 655_360.0 * 4.0 + (5120.0 + 256.0) * 4.0 * 2.0);
    /// ```
    #[must_use]
    pub fn state_bytes(&self, activation_bytes: f64, tensor: f64) -> f64 {
        (self.state * STATE_BYTES + self.window * activation_bytes) / tensor
    }
}

/// A linear mixer over many tokens: projections, short convolution, chunked scan.
pub fn forward(work: &mut Work, mixer: &LinearMixer, hidden: f64, tokens: &Tokens, split: &Split, widths: &Widths) {
    let shape = LinearShape::of(mixer);
    let t = split.tensor;
    work.gemm("mixer input", tokens.rows, shape.input_columns / t, hidden, widths);
    work.operand_from(Part::Norm);
    let channels = (shape.input_columns + shape.output_rows) / t;
    inner_projections(work, &shape, tokens.rows, t, widths);
    if shape.convolution_width > 0.0 {
        let convolved = shape.window / shape.convolution_width / t;
        work.ops.push(Op {
            name: "convolution",
            kernel: Kernel::Convolution(ConvolutionShape {
                batch: tokens.sequences,
                sequence: tokens.rows / tokens.sequences,
                channels: convolved,
                width: shape.convolution_width,
            }),
            count: 1.0,
            flops: Flops(2.0 * tokens.rows * shape.window / t),
            bytes: Bytes(2.0 * tokens.rows * convolved * widths.activation),
            launches: 1.0,
            part: Part::Rest,
        });
    }
    work.ops.push(Op {
        name: "scan",
        kernel: Kernel::Scan,
        count: 1.0,
        flops: Flops(tokens.rows * shape.scan_flops / t),
        // The scan works in chunks: the state goes through memory once per chunk.
        bytes: Bytes(
            2.0 * tokens.rows * channels * widths.activation
                + 2.0 * tokens.rows / SCAN_CHUNK * shape.state * STATE_BYTES / t,
        ),
        launches: launches::SCAN,
        part: Part::Rest,
    });
    work.gemm("mixer output", tokens.rows, hidden, shape.output_rows / t, widths);
}

/// A linear mixer for one token of each of `requests`: the state is read and written.
pub fn decode(work: &mut Work, mixer: &LinearMixer, hidden: f64, requests: f64, split: &Split, widths: &Widths) {
    let shape = LinearShape::of(mixer);
    let t = split.tensor;
    work.gemm("mixer input", requests, shape.input_columns / t, hidden, widths);
    inner_projections(work, &shape, requests, t, widths);
    work.ops.push(Op {
        name: "state update",
        kernel: Kernel::Elementwise,
        count: 1.0,
        flops: Flops(requests * shape.scan_flops / t),
        bytes: Bytes(2.0 * requests * shape.state_bytes(widths.activation, t)),
        launches: launches::STATE_UPDATE,
        part: Part::Rest,
    });
    work.gemm("mixer output", requests, hidden, shape.output_rows / t, widths);
}

/// Mamba-1 derives step size, input and output maps from the convolved channels.
fn inner_projections(work: &mut Work, shape: &LinearShape, rows: f64, t: f64, widths: &Widths) {
    if shape.inner_columns > 0.0 {
        work.gemm("step, input and output maps", rows, shape.inner_columns, shape.output_rows / t, widths);
        work.gemm("step size", rows, shape.output_rows / t, shape.step_rank, widths);
    }
}

/// Tokens of a chunk of the chunked scan (Mamba-2 and delta-net kernels use 64 to 256).
const SCAN_CHUNK: f64 = 128.0;
