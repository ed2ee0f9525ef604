//! Operations that move values.

use proptest::prelude::*;

use super::data::{dot, noise, same_on_any_threads};
use crate::{channels, layout, nearest};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layouts_are_each_others_inverse(batch in 1usize..3, count in 1usize..40, voxels in 1usize..400) {
        let x = noise(1, batch * count * voxels);
        let last = layout::channels_first_to_last(batch, count, voxels, &x);
        for n in 0..batch {
            for c in 0..count {
                for v in 0..voxels {
                    prop_assert_eq!(last[(n * voxels + v) * count + c], x[(n * count + c) * voxels + v]);
                }
            }
        }
        prop_assert_eq!(layout::channels_last_to_first(batch, count, voxels, &last), x);
    }

    #[test]
    fn splitting_undoes_joining(voxels in 1usize..5000, first in 1usize..20, second in 1usize..20) {
        let (a, b) = (noise(1, voxels * first), noise(2, voxels * second));
        let joined = channels::concat(voxels, first, &a, second, &b);
        prop_assert_eq!(&joined[..first], &a[..first]);
        prop_assert_eq!(&joined[first..first + second], &b[..second]);
        prop_assert_eq!(channels::split(voxels, first, second, &joined), (a, b));
    }

    #[test]
    fn upsampling_repeats_voxels(
        input in [1usize..5, 1usize..5, 1usize..5], factor in [1usize..4, 1usize..4, 1usize..4], count in 1usize..9,
    ) {
        let x = noise(1, 2 * input.iter().product::<usize>() * count);
        let y = nearest::upsample(2, input, count, factor, &x);
        let size: [usize; 3] = std::array::from_fn(|axis| input[axis] * factor[axis]);
        let index = |size: [usize; 3], n: usize, at: [usize; 3]| {
            (((n * size[0] + at[0]) * size[1] + at[1]) * size[2] + at[2]) * count
        };
        prop_assert_eq!(y.len(), 2 * size.iter().product::<usize>() * count);
        for n in 0..2 {
            for at in (0..size[0]).flat_map(|d| (0..size[1]).flat_map(move |h| (0..size[2]).map(move |w| [d, h, w]))) {
                let from = index(input, n, std::array::from_fn(|axis| at[axis] / factor[axis]));
                prop_assert_eq!(&y[index(size, n, at)..][..count], &x[from..][..count]);
            }
        }
        let dy = noise(2, y.len());
        let dx = nearest::upsample_gradient(2, input, count, factor, &dy);
        prop_assert!((dot(&dy, &y) - dot(&dx, &x)).abs() < 1e-4);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let x = noise(1, 8 * 8 * 8 * 16);
    same_on_any_threads(|| nearest::upsample_gradient(1, [4; 3], 16, [2; 3], &x));
}
