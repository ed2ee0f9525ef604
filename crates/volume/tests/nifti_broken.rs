//! A zoo of broken files. Each must be refused with a message that says what is wrong, quickly and without taking memory.

#[path = "support/nifti.rs"]
mod made;

use made::{Fields, Order, counting};
use mist_volume::nifti;
use std::io::Write;

fn message(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii.gz");
    std::fs::write(&path, bytes).unwrap();
    let message = nifti::read(&path).unwrap_err().to_string();
    let named = format!("{}: ", path.display());
    message.strip_prefix(&named).expect("the file is named").to_owned()
}

fn good() -> Vec<u8> {
    [fields().nifti1(), counting(4, Order::Little)].concat()
}

fn fields() -> Fields {
    Fields::new(Order::Little, 4)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn no_nifti_file_at_all() {
    assert_eq!(message(b""), "the file is empty");
    assert_eq!(message(&gzip(b"")), "the file is empty");
    assert!(message(b"ab").starts_with("this is not a NIfTI file"));
    assert!(message(&[0; 1000]).starts_with("this is not a NIfTI file"));
    assert!(message(b"PK\x03\x04 this is something else altogether").starts_with("this is not a NIfTI file"));
    assert_eq!(message(&good()[..200]), "the file ends after 200 bytes, inside the header");
    let nifti2 = fields().nifti2();
    assert_eq!(message(&nifti2[..500]), "the file ends after 500 bytes, inside the header");
    let error = nifti::read(std::path::Path::new("/no/such/file.nii")).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/file.nii: cannot open the file: "), "{error}");
}

#[test]
fn pairs_and_analyze_headers() {
    let pair = message(&Fields { magic: *b"ni1\0", ..fields() }.nifti1());
    assert!(pair.contains("\"ni1\"") && pair.contains(".hdr/.img pairs are not supported"), "{pair}");
    assert!(message(&Fields { magic: [0; 4], ..fields() }.nifti1()).starts_with("the header's magic is \"\""));
    let mut nifti2 = fields().nifti2();
    nifti2[8] = b'\n'; // a transfer in text mode
    assert!(message(&nifti2).starts_with("the header's magic is \"n+2\""));
}

#[test]
fn impossible_dimensions() {
    let with_dim = |dim| message(&[Fields { dim, ..fields() }.nifti1(), vec![0; 64]].concat());
    assert!(with_dim([0, 3, 2, 2, 1, 1, 1, 1]).starts_with("the header declares 0 dimensions"));
    assert!(with_dim([8, 3, 2, 2, 1, 1, 1, 1]).starts_with("the header declares 8 dimensions"));
    assert!(with_dim([-3, 3, 2, 2, 1, 1, 1, 1]).starts_with("the header declares -3 dimensions"));
    assert_eq!(with_dim([3, 3, 0, 2, 1, 1, 1, 1]), "dimension 2 has 0 voxels; it needs at least 1");
    assert_eq!(with_dim([3, 3, 2, -7, 1, 1, 1, 1]), "dimension 3 has -7 voxels; it needs at least 1");
    let huge = Fields { dim: [3, i64::MAX, i64::MAX, 2, 1, 1, 1, 1], ..fields() }.nifti2();
    assert!(message(&huge).ends_with("which is more than can be addressed"));
}

#[test]
fn more_declared_than_there_is() {
    let bytes = good();
    assert_eq!(
        message(&bytes[..bytes.len() - 5]),
        "the header declares 24 bytes of voxels, but the file holds only 19"
    );
    assert_eq!(
        message(&gzip(&bytes[..bytes.len() - 5])),
        "the header declares 24 bytes of voxels, but the file holds only 19"
    );
    // 32767³ voxels in a file of some hundred bytes: refused before memory is taken.
    let bomb = Fields { dim: [3, 32767, 32767, 32767, 1, 1, 1, 1], ..fields() };
    let bomb = [bomb.nifti1(), vec![0; 1000]].concat();
    assert!(message(&bomb).contains("the file holds only 1000"), "{}", message(&bomb));
    let compressed = message(&gzip(&bomb));
    assert!(compressed.contains("the file holds at most "), "{compressed}");
    let beyond = Fields { offset: 1e7, ..fields() };
    assert!(message(&[beyond.nifti1(), vec![0; 64]].concat()).contains("the file holds only 0"));
}

#[test]
fn damaged_compression() {
    let varied: Vec<u8> = (0..60_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()).collect();
    let large = Fields { dim: [3, 100, 100, 10, 1, 1, 1, 1], ..fields() };
    let compressed = gzip(&[large.nifti1(), varied[..200_000].to_vec()].concat());
    assert!(message(&compressed[..compressed.len() / 2]).starts_with("the gzip stream is damaged after "));
    let mut wrong_checksum = compressed.clone();
    let at = wrong_checksum.len() - 8;
    wrong_checksum[at] ^= 1;
    assert!(message(&wrong_checksum).starts_with("the gzip stream is damaged after 200352 decompressed bytes"));
    // The length at the end agrees with the header, but not with what there is.
    let short = gzip(&[large.nifti1(), varied[..2000].to_vec()].concat());
    let length = (352_u32 + 200_000).to_le_bytes();
    let lying = [&short[..short.len() - 4], &length].concat();
    assert!(message(&lying).starts_with("the gzip stream is damaged after 2352 decompressed bytes"));
    assert!(message(&[0x1f, 0x8b, 8]).starts_with("the gzip stream is damaged after 0"));
}

#[test]
fn unusable_fields() {
    for (datatype, name) in
        [(1, "bool"), (32, "complex64"), (128, "RGB"), (1536, "float128"), (2304, "RGBA"), (77, "code 77")]
    {
        let text = message(&[Fields { datatype, ..fields() }.nifti1(), vec![0; 256]].concat());
        assert!(text.starts_with(&format!("voxels of type {name}")), "{text}");
    }
    let spacing = Fields { pixdim: [1.0, 1.0, f64::NAN, 1.0, 0.0, 0.0, 0.0, 0.0], ..fields() };
    assert_eq!(message(&spacing.nifti1()), "the spacing along axis 2 is NaN");
    let mut sform = fields();
    sform.sform[1][3] = f64::INFINITY;
    assert_eq!(message(&sform.nifti1()), "the sform holds values that are not finite or too large");
    let qform = Fields { sform_code: 0, qform_code: 1, quaternion: [f64::NAN, 0.0, 0.0], ..fields() };
    assert_eq!(message(&qform.nifti1()), "the qform holds values that are not finite or too large");
    for offset in [-1.0, f64::NAN, f64::INFINITY] {
        let text = message(&Fields { offset, ..fields() }.nifti1());
        assert!(text.starts_with("the voxels are said to start at byte "), "{text}");
    }
    let mut flat = fields();
    flat.sform[0] = [0.0; 4];
    assert!(message(&flat.nifti1()).starts_with("the axes of the sform are not orthogonal"));
}

/// Found by fuzzing: the square of a huge number is infinite, and left directions that are no numbers or zero.
#[test]
fn finite_numbers_that_make_no_geometry() {
    let refused = |fields: Fields| message(&[fields.nifti2(), vec![0; 64]].concat());
    let qform = Fields { sform_code: 0, qform_code: 1, ..fields() };
    let quaternion = refused(Fields { quaternion: [1e200, 0.0, 0.0], ..qform.clone() });
    assert_eq!(quaternion, "the qform holds values that are not finite or too large");
    let mut long = fields();
    long.sform[0][0] = 1e200;
    assert!(refused(long).starts_with("the axes of the sform are not orthogonal"));
    let far = refused(Fields { units: 1, qoffset: [0.0, 0.0, 1e306], ..qform.clone() });
    assert_eq!(far, "the qform holds values that are not finite or too large");
    let with_spacing = |units, x| refused(Fields { units, pixdim: [1.0, x, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], ..fields() });
    assert!(with_spacing(1, 1e306).starts_with("the spacing along axis 1 is 1000000"));
    assert!(with_spacing(3, 5e-324).starts_with("the spacing along axis 1 is 0.000000"));
}

#[test]
fn every_corrupted_byte_of_a_header_is_survived() {
    let bytes = good();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii");
    for at in 0..352 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut corrupted = bytes.clone();
            corrupted[at] = value;
            std::fs::write(&path, corrupted).unwrap();
            if let Ok(volume) = nifti::read(&path) {
                assert!(volume.voxels().len() <= 12, "byte {at} = {value}");
            }
        }
    }
}
