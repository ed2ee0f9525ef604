//! Bytes as a NIfTI file: no panic, no more memory than twice what the header declares, and the same image when compressed.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist_volume::{Geometry, Volume, nifti};
use std::io::Write;
use support::{with_file, within_twice};

fuzz_target!(|bytes: &[u8]| {
    let plain = with_file("input", bytes, read);
    // Compressed already: would be no NIfTI file when compressed once more.
    if !bytes.starts_with(&[0x1f]) {
        let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        compressed.write_all(bytes).expect("memory takes all");
        let compressed = compressed.finish().expect("memory takes all");
        assert_eq!(plain, with_file("input", &compressed, read));
    }
});

/// All that the readers make of a file: geometry and bits, as NaN is not equal to itself.
fn read(path: &std::path::Path) -> Vec<Option<Vec<(Geometry, Vec<u32>)>>> {
    // A header that cannot be read declares nothing.
    let header = within_twice(0, || nifti::read_header(path)).ok();
    let values = header
        .as_ref()
        .map_or(Some(0), |header| header.dimensions.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)));
    // Each image of a series has a geometry of its own; not more than the older format can count.
    let images = header.as_ref().and_then(|header| header.dimensions.get(3..)?.iter().max().copied());
    let images = images.unwrap_or(1).min(i16::MAX as usize);
    let declared = values.and_then(|values| values.checked_mul(size_of::<f32>())).unwrap_or(usize::MAX);
    let declared = declared.saturating_add(images * size_of::<Volume<f32>>());
    if let Some(header) = &header {
        assert!(header.spacing.iter().all(|&step| step.is_finite() && step > 0.0), "{:?}", header.spacing);
        assert!(header.origin.iter().chain(header.direction.as_flattened()).all(|value| value.is_finite()));
    }
    let bits = |image: &Volume<f32>| (*image.geometry(), image.voxels().iter().map(|value| value.to_bits()).collect());
    let all = |images: Vec<Volume<f32>>| images.iter().map(bits).collect();
    let one = within_twice(declared, || nifti::read(path)).ok().map(|image| vec![bits(&image)]);
    let series = within_twice(declared, || nifti::read_series(path)).ok().map(all);
    let vector = within_twice(declared, || nifti::read_vector(path)).ok().map(all);
    if let Ok(labels) = within_twice(declared, || nifti::read_integers::<u8>(path)) {
        let image = nifti::read(path).expect("readable as numbers of any kind as well");
        assert!(image == labels.map(|&label| f32::from(label)), "other numbers");
    }
    let verified = within_twice(0, || nifti::verify(path)).is_ok();
    assert!(verified || one.is_none() && series.is_none() && vector.is_none(), "read, but not sound");
    vec![one, series, vector]
}
