//! Exponential, logarithm and cube root without a branch or a call: a loop over them becomes vector instructions, and every lane of it has
//! what a number alone has, to the last bit, whatever the processor. Within two units in the last place.
//!
//! # Source
//! Reductions and polynomials of fdlibm (Sun Microsystems 1993), `e_exp.c` and `e_log.c`, as in FreeBSD's msun and in musl.
#![allow(clippy::inline_always, reason = "a call in a loop over lanes would take them one by one")]

/// `ln 2` in two parts, the first with trailing zeros: whole multiples of it are exact.
const LN2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// `1.5·2⁵²`: added and taken away again it rounds to a whole number, which stands in the lowest bits in between.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `2⁵²`, in whose lowest bits a whole number stands.
const WHOLE: f64 = 4_503_599_627_370_496.0;
const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const ONE: u64 = 1.0_f64.to_bits();
/// The upper half of `√½`.
const HALF_ROOT: u64 = 0x3fe6_a09e_0000_0000;

/// Arguments beyond are taken for these: neither nothing nor infinity comes of them.
const EXPONENTS: [f64; 2] = [-708.0, 709.0];

/// `eˣ`.
///
/// ```
/// # use llmsweep_model::elementary::exp;
/// assert!(exp(0.0) == 1.0 && (exp(1.0) / std::f64::consts::E - 1.0).abs() < 1e-15);
/// ```
#[must_use]
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const P: [f64; 5] = [
        1.666_666_666_666_660_2e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    let [least, most] = EXPONENTS;
    let x = if x > least { x } else { least };
    let x = if x < most { x } else { most };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let twos = rounded - ROUND;
    let (high, low) = (x - twos * LN2[0], twos * LN2[1]);
    let rest = high - low;
    let t = rest * rest;
    let c = rest - t * (P[0] + t * (P[1] + t * (P[2] + t * (P[3] + t * P[4]))));
    let power = 1.0 - ((low - rest * c / (2.0 - c)) - high);
    power * f64::from_bits((rounded.to_bits() << MANTISSA_BITS).wrapping_add(ONE))
}

/// `ln x` of a number above zero; smaller ones are taken for the smallest normal number.
///
/// ```
/// # use llmsweep_model::elementary::ln;
/// assert_eq!((ln(1.0), ln(2.0)), (0.0, std::f64::consts::LN_2));
/// ```
#[must_use]
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const L: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    let x = if x > f64::MIN_POSITIVE { x } else { f64::MIN_POSITIVE };
    let bits = x.to_bits() + (ONE - HALF_ROOT);
    let twos = f64::from_bits((bits >> MANTISSA_BITS) | WHOLE.to_bits()) - (WHOLE + 1023.0);
    let rest = f64::from_bits((bits & (u64::MAX >> (u64::BITS - MANTISSA_BITS))) + HALF_ROOT) - 1.0;
    let half_square = 0.5 * rest * rest;
    let s = rest / (2.0 + rest);
    let z = s * s;
    let w = z * z;
    let even = w * (L[1] + w * (L[3] + w * L[5]));
    let odd = z * (L[0] + w * (L[2] + w * (L[4] + w * L[6])));
    s * (half_square + odd + even) + twos * LN2[1] - half_square + rest + twos * LN2[0]
}

/// `ln(1 + x)` of a number of at least zero, to its last digits where it is small.
#[must_use]
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let sum = 1.0 + x;
    ln(sum) + (x - (sum - 1.0)) / sum
}

/// `∛x` of a number above zero: from its logarithm, with a step of Newton.
#[must_use]
#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    let root = exp(ln(x) / 3.0);
    let square = root * root;
    root - (root * square - x) / (3.0 * square)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within so many units in the last place of what the platform's library says.
    fn agrees(own: impl Fn(f64) -> f64, library: impl Fn(f64) -> f64, numbers: impl Iterator<Item = f64>) {
        for x in numbers {
            let (one, other) = (own(x), library(x));
            assert!((one - other).abs() <= 2.0 * f64::EPSILON * other.abs(), "{x}: {one} instead of {other}");
        }
    }

    /// Numbers of either side of one, some hundred for each power of two.
    fn numbers() -> impl Iterator<Item = f64> {
        (-60_000..60_000).map(|step| (f64::from(step) / 100.0 + 1e-4 * f64::from(step % 7)).exp2())
    }

    #[test]
    fn close_to_the_library() {
        agrees(exp, f64::exp, (-70_000..70_000).map(|step| f64::from(step) / 100.3));
        agrees(exp, f64::exp, numbers().map(|x| 1.0 / x).filter(|x| *x < 700.0));
        agrees(ln, f64::ln, numbers());
        agrees(ln_1p, f64::ln_1p, numbers());
        agrees(cbrt, f64::cbrt, numbers());
    }

    #[test]
    fn neither_nothing_nor_infinity() {
        assert!(exp(f64::NEG_INFINITY) > 0.0 && exp(f64::INFINITY).is_finite());
        assert!((ln(0.0) - f64::MIN_POSITIVE.ln()).abs() < 1e-9);
    }
}
