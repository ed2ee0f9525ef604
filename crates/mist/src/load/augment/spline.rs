//! Enlarging by cubic B-splines.
//!
//! Outputs are corner-aligned; the coefficients of the splines (Unser 1999) assume a mirrored border.

use super::lines::{LANES, Lines, Row};

/// Corner-aligned position of output `i` of `to` in a line of `from` voxels. Clamped: rounding can put the last one a hair
/// beyond the end.
pub fn position(i: usize, from: usize, to: usize) -> f64 {
    if to < 2 {
        return 0.0;
    }
    let last = (from - 1) as f64;
    (i as f64 * (last / (to - 1) as f64)).min(last)
}

/// Interpolates every line of `source` at `length` corner-aligned positions.
pub fn enlarge_lines(source: &[f32], lines: Lines, length: usize, target: &mut [f32], rows: [&mut Vec<Row>; 2]) {
    let taps: Vec<Taps> = (0..length).map(|i| Taps::at(position(i, lines.length, length), lines.length)).collect();
    let [coefficients, enlarged] = rows;
    coefficients.resize(lines.length, [0.0; LANES]);
    enlarged.resize(length, [0.0; LANES]);
    for block in lines.blocks() {
        lines.gather(source, block, coefficients);
        spline_coefficients(coefficients);
        for (out, taps) in enlarged.iter_mut().zip(&taps) {
            let [a, b, c, d] = taps.index.map(|i| &coefficients[i]);
            for lane in 0..LANES {
                out[lane] = taps.weight[0] * a[lane]
                    + taps.weight[1] * b[lane]
                    + taps.weight[2] * c[lane]
                    + taps.weight[3] * d[lane];
            }
        }
        lines.with_length(length).scatter(enlarged, block, target);
    }
}

/// The four coefficients that a position depends on.
struct Taps {
    index: [usize; 4],
    weight: [f32; 4],
}

impl Taps {
    fn at(position: f64, length: usize) -> Self {
        let base = position.floor();
        let t = position - base;
        let last = length as isize - 1;
        let mirror = |i: isize| {
            if last == 0 {
                return 0;
            }
            let folded = i.rem_euclid(2 * last);
            folded.min(2 * last - folded) as usize
        };
        Self {
            index: [-1, 0, 1, 2].map(|offset| mirror(base as isize + offset)),
            weight: [
                (1.0 - t).powi(3) / 6.0,
                (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
                (1.0 + 3.0 * t + 3.0 * t * t - 3.0 * t * t * t) / 6.0,
                t * t * t / 6.0,
            ]
            .map(|weight: f64| weight as f32),
        }
    }
}

/// Replaces samples by the coefficients of the cubic B-spline through them, mirrored at the borders (Unser 1999, box 2).
fn spline_coefficients(rows: &mut [Row]) {
    const POLE: f64 = -0.267_949_192_431_122_7; // sqrt(3) - 2
    const GAIN: f32 = 6.0;
    /// Powers of the pole beyond this no longer reach a single-precision sum.
    const HORIZON: usize = 24;
    let last = rows.len() - 1;
    if last == 0 {
        return;
    }
    let pole = POLE as f32;
    let mut first = rows[0];
    // The samples repeat mirrored with period 2 * last, so a power p also meets the one at 2 * last - p.
    for i in 1..=last.min(HORIZON) {
        let mut weight = POLE.powi(i as i32);
        if i < last {
            weight += POLE.powi((2 * last - i) as i32);
        }
        for lane in 0..LANES {
            first[lane] += weight as f32 * rows[i][lane];
        }
    }
    let scale = GAIN / (1.0 - POLE.powi(2 * last as i32)) as f32;
    let mut previous = first.map(|value| value * scale);
    rows[0] = previous;
    for row in &mut rows[1..] {
        for lane in 0..LANES {
            previous[lane] = GAIN * row[lane] + pole * previous[lane];
        }
        *row = previous;
    }
    let edge = (POLE / (POLE * POLE - 1.0)) as f32;
    for lane in 0..LANES {
        previous[lane] = edge * (rows[last][lane] + pole * rows[last - 1][lane]);
    }
    rows[last] = previous;
    for row in rows[..last].iter_mut().rev() {
        for lane in 0..LANES {
            previous[lane] = pole * (previous[lane] - row[lane]);
        }
        *row = previous;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_pass_through_the_samples() {
        for length in [2, 3, 4, 9, 40] {
            let samples: Vec<f32> = (0..length).map(|i| ((i * i * 7 + 3 * i) % 11) as f32 - 5.0).collect();
            let mut rows: Vec<Row> = samples.iter().map(|v| [*v; LANES]).collect();
            spline_coefficients(&mut rows);
            for (i, sample) in samples.iter().enumerate() {
                let taps = Taps::at(i as f64, length);
                let value: f32 = (0..4).map(|k| taps.weight[k] * rows[taps.index[k]][3]).sum();
                assert!((value - sample).abs() < 1e-5, "{length}: {value} {sample}");
            }
        }
    }
}
