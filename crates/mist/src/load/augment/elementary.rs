//! Logarithm and exponential in single precision.
//!
//! Polynomials of Cephes (`logf` and `expf`; relative error about 1e-7) in place of the library's functions: loops without
//! calls are vectorised, and only correctly rounded operations are used, so the bits are the same on every platform.

/// Natural logarithm of a normal number in (0, 1].
#[inline(always)]
pub fn logarithm(value: f32) -> f32 {
    // Splits value = 2^exponent * mantissa with the mantissa in [sqrt(1/2), sqrt(2)).
    const SQRT_HALF_BITS: u32 = 0x3F35_04F3;
    let shifted = value.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(SQRT_HALF_BITS));
    let x = mantissa - 1.0;
    let square = x * x;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * x + coefficient;
    }
    exponent as f32 * std::f32::consts::LN_2 + (x - 0.5 * square + p * square * x)
}

/// `e^value` for values up to 88; below -87 the result is that of -87, about 1e-38.
#[inline(always)]
pub fn exponential(value: f32) -> f32 {
    const LEAST: f32 = -87.0;
    // ln 2 in two parts, the first of which has so few bits that its multiples are exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let value = if value < LEAST { LEAST } else { value };
    // Rounds to the nearest whole number: what is shifted out of the mantissa is gone.
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23
    let exponent = (value * std::f32::consts::LOG2_E + SHIFT) - SHIFT;
    let x = value - exponent * LN_2_HIGH - exponent * LN_2_LOW;
    let mut p = 1.987_569_2e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * x + coefficient;
    }
    (p * x * x + x + 1.0) * f32::from_bits((((exponent as i32) + 127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree_with_the_library() {
        for i in 1..=4096u32 {
            let value = (i as f32 / 4096.0).powi(3);
            assert!((f64::from(logarithm(value)) - f64::from(value).ln()).abs() < 2e-6, "{value}");
        }
        for i in -8700..8800 {
            let value = i as f32 / 100.0;
            let expected = f64::from(value).exp();
            assert!((f64::from(exponential(value)) / expected - 1.0).abs() < 4e-7, "{value}");
        }
        assert_eq!([logarithm(1.0), exponential(0.0)], [0.0, 1.0]);
        assert_eq!(exponential(-1e6), exponential(-87.0));
    }
}
