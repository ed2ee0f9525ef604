//! The Gaussian error linear unit and its derivative.

/// The standard normal distribution: probability below `x` (Simpson's rule from 0) and density.
fn normal(x: f64) -> [f64; 2] {
    let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let (parts, step) = (400, x / 400.0);
    let weight = |part: usize| if part == 0 || part == parts { 1.0 } else { 2.0 + 2.0 * (part % 2) as f64 };
    let integral = (0..=parts).map(|part| weight(part) * density(part as f64 * step)).sum::<f64>() * step / 3.0;
    [0.5 + integral, density(x)]
}

/// See [`crate::gelu::forward`].
pub fn forward(x: &[f32]) -> Vec<f32> {
    x.iter().map(|&x| f64::from(x)).map(|x| (x * normal(x)[0]) as f32).collect()
}

/// See [`crate::gelu::backward`].
pub fn backward(x: &[f32], dy: &[f32]) -> Vec<f32> {
    let slope = |x: f64| normal(x)[0] + x * normal(x)[1];
    x.iter().zip(dy).map(|(&x, &dy)| (f64::from(dy) * slope(f64::from(x))) as f32).collect()
}
