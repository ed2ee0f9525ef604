//! The Gaussian error linear unit against its formula.

use super::data::{bits, noise};
use crate::gelu::run_on;
use crate::reference::gelu as truth;
use crate::simd::Isa;

#[test]
fn both_directions_agree_with_the_formula() {
    let x: Vec<f32> = noise(1, 20_003).into_iter().map(|value| 6.0 * value).collect();
    let dy = noise(2, x.len());
    let outputs = |isa| [run_on(isa, &x, None), run_on(isa, &x, Some(&dy))];
    let expected = [truth::forward(&x), truth::backward(&x, &dy)];
    for (found, expected) in outputs(Isa::best()).iter().zip(&expected) {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // The distribution is known to 1.5e-7 and values go up to 6.
        assert!(worst < 2e-6, "{worst}");
    }
    for isa in Isa::all() {
        let same = outputs(Isa::best()).iter().zip(outputs(isa)).all(|(a, b)| bits(a) == bits(&b));
        assert!(same, "{isa:?} differs");
    }
}
