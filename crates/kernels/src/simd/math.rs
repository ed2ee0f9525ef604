//! Functions of single values, lane by lane, from the operations of [`Simd`]: the same bits on every instruction set.

use super::Simd;

/// Where `exp` is 0 for our purposes, and where it begins to overflow.
const LEAST: f32 = -87.0;
const MOST: f32 = 88.0;
/// Adding and taking away this rounds a value of less than 2^22 to the nearest whole number.
const ROUNDER: f32 = 12_582_912.0;
/// The natural logarithm of 2 as the sum of a short and a small number, so that multiples of the first are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// `1/n!` for n from 7 down to 0.
const FACTORIALS: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// `e^x` to two units in the last place; below -87 as there, above 88 as there.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    // The limits first: a NaN in `x` stays.
    let x = simd.max(simd.splat(LEAST), x);
    let x = simd.sub(simd.zero(), simd.max(simd.splat(-MOST), simd.sub(simd.zero(), x)));
    let rounder = simd.splat(ROUNDER);
    let power = simd.sub(simd.fma(x, simd.splat(std::f32::consts::LOG2_E), rounder), rounder);
    let rest = simd.fnma(power, simd.splat(LN_2_LOW), simd.fnma(power, simd.splat(LN_2_HIGH), x));
    let mut sum = simd.splat(FACTORIALS[0]);
    for term in 1..FACTORIALS.len() {
        sum = simd.fma(sum, rest, simd.splat(FACTORIALS[term]));
    }
    simd.mul(sum, simd.power_of_two(power))
}

/// `1/n` for odd n from 13 down to 1: enough for arguments up to 1/3 of [`twice_atanh`].
const ODD_RECIPROCALS: [f32; 7] = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0];

/// The natural logarithm of positive normal numbers, to three units in the last place; NaN of infinity and NaN.
#[inline(always)]
pub(crate) fn ln<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    let [rest, exponent] = simd.split_exponent(x);
    let sum = twice_atanh(simd, simd.div(simd.sub(rest, one), simd.add(rest, one)));
    // Bits of a NaN split into two numbers; the difference is 0 of all others.
    let broken = simd.sub(x, x);
    let sum = simd.add(simd.fma(exponent, simd.splat(LN_2_LOW), broken), sum);
    simd.fma(exponent, simd.splat(LN_2_HIGH), sum)
}

/// `ln(1 + x)` for `x` from 0 to 1, to three units in the last place; a NaN stays.
#[inline(always)]
pub(crate) fn ln_1p<S: Simd>(simd: S, x: S::V) -> S::V {
    twice_atanh(simd, simd.div(x, simd.add(simd.splat(2.0), x)))
}

/// `2 atanh(f) = ln((1 + f) / (1 - f))` for `f` from -1/3 to 1/3.
#[inline(always)]
fn twice_atanh<S: Simd>(simd: S, f: S::V) -> S::V {
    let square = simd.mul(f, f);
    let mut sum = simd.splat(ODD_RECIPROCALS[0]);
    for term in 1..ODD_RECIPROCALS.len() {
        sum = simd.fma(sum, square, simd.splat(ODD_RECIPROCALS[term]));
    }
    simd.mul(simd.add(f, f), sum)
}

/// The standard normal distribution at `x`: its probability below `x`, to 2e-7, and its density there.
///
/// Abramowitz and Stegun 1964, 7.1.26, whose exponential is also the density's.
#[inline(always)]
pub(crate) fn normal<S: Simd>(simd: S, x: S::V) -> [S::V; 2] {
    const POLYNOMIAL: [f32; 5] = [1.061_405_4, -1.453_152_1, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    /// 0.3275911 / √2: the formula is of `erf(x / √2)`.
    const STEP: f32 = 0.231_641_9;
    /// 1 / √(2 π).
    const DENSITY: f32 = 0.398_942_3;
    let one = simd.splat(1.0);
    let size = simd.max(x, simd.sub(simd.zero(), x));
    let gauss = exp(simd, simd.mul(simd.splat(-0.5), simd.mul(x, x)));
    let t = simd.div(one, simd.fma(size, simd.splat(STEP), one));
    let mut sum = simd.splat(POLYNOMIAL[0]);
    for term in 1..POLYNOMIAL.len() {
        sum = simd.fma(sum, t, simd.splat(POLYNOMIAL[term]));
    }
    // Of the tail on the side of `x`.
    let tail = simd.mul(simd.mul(simd.splat(0.5), simd.mul(sum, t)), gauss);
    let below = simd.where_positive(x, simd.sub(one, tail), tail);
    [below, simd.mul(gauss, simd.splat(DENSITY))]
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, Kernel};
    use super::*;

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Ln,
        Ln1p,
        Below,
        Density,
    }

    struct Values<'a>(Function, &'a [f32], &'a mut Vec<f32>);

    impl Kernel for Values<'_> {
        fn run<S: Simd>(self, simd: S) {
            for x in self.1 {
                let x = simd.splat(*x);
                let value = match self.0 {
                    Function::Exp => exp(simd, x),
                    Function::Ln => ln(simd, x),
                    Function::Ln1p => ln_1p(simd, x),
                    Function::Below => normal(simd, x)[0],
                    Function::Density => normal(simd, x)[1],
                };
                let mut lanes = [0.0; 16];
                // SAFETY: the array holds all lanes.
                unsafe { simd.store(lanes.as_mut_ptr(), value) };
                self.2.push(lanes[0]);
            }
        }
    }

    fn values(isa: Isa, function: Function, at: &[f32]) -> Vec<f32> {
        let mut found = Vec::new();
        isa.run(Values(function, at, &mut found));
        found
    }

    /// The probability below `x` by Simpson's rule from 0, in f64.
    fn probability(x: f64) -> f64 {
        let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let (parts, step) = (2000, x / 2000.0);
        let weight = |part: usize| if part == 0 || part == parts { 1.0 } else { 2.0 + 2.0 * (part % 2) as f64 };
        0.5 + (0..=parts).map(|part| weight(part) * density(part as f64 * step)).sum::<f64>() * step / 3.0
    }

    #[test]
    fn they_are_what_they_are_called() {
        let at: Vec<f32> = (-8500..=8500).map(|i| i as f32 / 100.0).collect();
        for (x, found) in at.iter().zip(values(Isa::best(), Function::Exp, &at)) {
            let expected = f64::from(*x).exp();
            assert!((f64::from(found) - expected).abs() <= 2.5e-7 * expected, "exp({x}) = {found}");
        }
        // Every exponent, many mantissas, and the surroundings of 1, where the logarithm is small.
        let spread = (0x0080_0000..0x7F80_0000).step_by(50_021).map(f32::from_bits);
        let at: Vec<f32> = spread.chain((-2000..=2000).map(|i| 1.0 + i as f32 * f32::EPSILON)).collect();
        for (x, found) in at.iter().zip(values(Isa::best(), Function::Ln, &at)) {
            let expected = f64::from(*x).ln();
            assert!((f64::from(found) - expected).abs() <= 2.5e-7 * expected.abs(), "ln({x}) = {found}");
        }
        let at: Vec<f32> = (0x0080_0000..=0x3F80_0000).step_by(20_021).map(f32::from_bits).chain([0.0, 1.0]).collect();
        for (x, found) in at.iter().zip(values(Isa::best(), Function::Ln1p, &at)) {
            let expected = f64::from(*x).ln_1p();
            assert!((f64::from(found) - expected).abs() <= 2.5e-7 * expected, "ln(1 + {x}) = {found}");
        }
        let at: Vec<f32> = (-800..=800).map(|i| i as f32 / 100.0).collect();
        for (x, found) in at.iter().zip(values(Isa::best(), Function::Below, &at)) {
            assert!((f64::from(found) - probability(f64::from(*x))).abs() < 2.5e-7, "below {x}: {found}");
        }
        assert!((values(Isa::best(), Function::Density, &[1.0])[0] - 0.241_970_72).abs() < 1e-7);
    }

    #[test]
    fn limits_and_broken_values_are_kept() {
        let found = values(Isa::best(), Function::Exp, &[f32::NEG_INFINITY, -1e9, 1e9, f32::NAN, 0.0]);
        assert!(found[0] < 2e-38 && found[1] < 2e-38 && found[2] > 1e38 && found[3].is_nan() && found[4] == 1.0);
        for isa in Isa::all() {
            let found = values(isa, Function::Ln, &[f32::NAN, -f32::NAN, f32::INFINITY, 1.0]);
            assert!(found[..3].iter().all(|value| value.is_nan()) && found[3].to_bits() == 0, "{found:?}");
            let found = values(isa, Function::Ln1p, &[f32::NAN, -f32::NAN, 0.0]);
            assert!(found[..2].iter().all(|value| value.is_nan()) && found[2].to_bits() == 0, "{found:?}");
        }
        let found = values(Isa::best(), Function::Below, &[-1e9, 1e9, f32::NAN]);
        assert!(found[0] == 0.0 && found[1] == 1.0 && found[2].is_nan(), "{found:?}");
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let at: Vec<f32> = (-3000..3000).map(|i| i as f32 / 37.0).collect();
        for function in [Function::Exp, Function::Below, Function::Density] {
            let bits = |isa| values(isa, function, &at).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert!(Isa::all().all(|isa| bits(isa) == bits(Isa::best())));
        }
        let at: Vec<f32> = (0x0080_0000..0x7F80_0000).step_by(500_021).map(f32::from_bits).collect();
        for function in [Function::Ln, Function::Ln1p] {
            let bits = |isa| values(isa, function, &at).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert!(Isa::all().all(|isa| bits(isa) == bits(Isa::best())));
        }
    }
}
