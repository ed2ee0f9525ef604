//! Bytes as an array file: no panic, no more memory than twice what the header declares, and a block is what the whole has.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist_volume::npy::{self, NpyFile};
use support::{with_file, within_twice};

fuzz_target!(|bytes: &[u8]| {
    with_file("input", bytes, |path| {
        // A file that cannot be opened declares nothing.
        let Ok(file) = within_twice(0, || NpyFile::open(path)) else {
            assert!(npy::read_f32(path).is_err());
            return;
        };
        let elements = file.header().elements().unwrap_or(usize::MAX);
        let floats = within_twice(elements.saturating_mul(size_of::<f32>()), || npy::read_f32(path));
        let (shape, floats) = floats.expect("any number is a float, and the file is long enough");
        assert_eq!((shape.as_slice(), floats.len()), (file.shape(), elements));
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        let half = first_half(&file);
        assert_eq!(bits(&half), bits(&floats[..half.len()]));
        if let Ok((_, values)) = within_twice(elements, || npy::read_u8(path)) {
            assert_eq!(values.iter().map(|&value| f32::from(value)).collect::<Vec<f32>>(), floats);
        }
    });
});

/// What lies in the first half of the slowest axis.
fn first_half(file: &NpyFile) -> Vec<f32> {
    let mut size = file.shape().to_vec();
    if let Some(first) = size.first_mut() {
        *first /= 2;
    }
    let half: Vec<f32> = file.read_block(&vec![0; size.len()], &size).expect("the block lies in the array");
    // Checked by the header for the whole array, unless that is empty.
    assert_eq!(Some(half.len()), size.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)));
    half
}
