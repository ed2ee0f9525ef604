//! Reading files made by hand: types, byte orders, containers, geometry, scaling.

#[path = "support/nifti.rs"]
mod made;

use made::{Fields, Order, counting};
use mist_volume::nifti::{self, Integer, NiftiProblem};
use mist_volume::{IDENTITY_DIRECTION, Volume};
use std::io::Write;

const DATATYPES: [i16; 10] = [2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280];

fn read(bytes: &[u8]) -> Result<Volume<f32>, NiftiProblem> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    nifti::read(file.path()).map_err(|error| error.problem)
}

fn with_voxels(fields: &Fields) -> Vec<u8> {
    [fields.nifti1(), counting(fields.datatype, fields.order)].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn counted() -> Vec<f32> {
    (0..12_u8).map(f32::from).collect()
}

#[test]
fn every_type_byte_order_version_and_container() {
    for datatype in DATATYPES {
        for order in [Order::Little, Order::Big] {
            let fields = Fields::new(order, datatype);
            let voxels = counting(datatype, order);
            for header in [fields.nifti1(), fields.nifti2()] {
                let plain = [header, voxels.clone()].concat();
                for bytes in [gzip(&plain), plain] {
                    let volume = read(&bytes).unwrap();
                    assert_eq!(volume.voxels(), counted(), "datatype {datatype}, {order:?}");
                    assert_eq!(volume.size(), [3, 2, 2]);
                    assert_eq!(volume.geometry().spacing, [1.5, 2.0, 2.5]);
                    assert_eq!(volume.geometry().origin, [-10.0, -20.0, 30.0]);
                }
            }
        }
    }
}

#[test]
fn negative_and_large_integers() {
    let fields = Fields { dim: [3, 1, 1, 1, 1, 1, 1, 1], ..Fields::new(Order::Big, 4) };
    let voxel = |datatype, bytes: &[u8]| {
        read(&[Fields { datatype, ..fields.clone() }.nifti1().as_slice(), bytes].concat()).unwrap().voxels()[0]
    };
    assert_eq!(voxel(4, &(-1024_i16).to_be_bytes()), -1024.0);
    assert_eq!(voxel(256, &[0xff]), -1.0);
    assert_eq!(voxel(2, &[0xff]), 255.0);
    assert_eq!(voxel(1280, &u64::MAX.to_be_bytes()), u64::MAX as f32);
    assert_eq!(voxel(64, &1e300_f64.to_be_bytes()), f32::INFINITY);
}

#[test]
fn gzip_members_are_joined_and_padding_after_them_ignored() {
    let bytes = with_voxels(&Fields::new(Order::Little, 4));
    let members = [gzip(&bytes[..100]), gzip(&bytes[100..360]), gzip(&bytes[360..])].concat();
    assert_eq!(read(&members).unwrap().voxels(), counted());
    let padded = [members, vec![0; 512]].concat();
    assert_eq!(read(&padded).unwrap().voxels(), counted());
}

#[test]
fn scaling_is_done_in_f64_and_rounded_once() {
    let scaled = |slope, intercept| {
        let fields = Fields { slope, intercept, ..Fields::new(Order::Little, 4) };
        read(&with_voxels(&fields)).unwrap().voxels()[3]
    };
    assert_eq!(scaled(2.0, -1.0), 5.0);
    assert_eq!(scaled(0.0, 7.0), 10.0, "slope 0 means 1, the intercept counts");
    assert_eq!(scaled(f64::NAN, 7.0), 3.0);
    assert_eq!(scaled(2.0, f64::INFINITY), 3.0);
    let (slope, intercept) = (0.1_f32, 1e-3_f32);
    assert_eq!(scaled(slope.into(), intercept.into()), (f64::from(slope) * 3.0 + f64::from(intercept)) as f32);
}

#[test]
fn non_finite_voxels_are_kept_and_found() {
    let voxels = [1.0, f32::NAN, 3.0].map(f32::to_le_bytes).concat();
    let fields = Fields { dim: [3, 3, 1, 1, 1, 1, 1, 1], ..Fields::new(Order::Little, 16) };
    let volume = read(&[fields.nifti1(), voxels].concat()).unwrap();
    assert_eq!(volume.first_non_finite().unwrap().0, [1, 0, 0]);
}

#[test]
fn spacing_is_pixdim_whatever_the_sform_says() {
    let mut fields = Fields::new(Order::Little, 2);
    fields.pixdim = [1.0, -1.2, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0];
    let geometry = *read(&with_voxels(&fields)).unwrap().geometry();
    assert_eq!(geometry.spacing, [f64::from(1.2_f32), 1.0, 3.0]);
    assert_eq!(geometry.direction, [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]);
}

#[test]
fn units_apply_to_spacing_and_origin() {
    for (units, factor) in [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001), (3 + 8, 0.001)] {
        let geometry = *read(&with_voxels(&Fields { units, ..Fields::new(Order::Little, 2) })).unwrap().geometry();
        assert_eq!(geometry.spacing[0], 1.5 * factor);
        assert_eq!(geometry.origin[2], 30.0 * factor);
    }
}

/// A quarter turn about z (x axis towards anterior), left-handed.
fn turned(sform_code: i16, qform_code: i16) -> Fields {
    Fields {
        sform_code,
        qform_code,
        pixdim: [-1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        quaternion: [0.0, 0.0, 0.5_f64.sqrt()],
        qoffset: [1.0, 2.0, 3.0],
        ..Fields::new(Order::Little, 2)
    }
}

#[test]
fn which_transform_counts() {
    let origin = |fields: &Fields| read(&with_voxels(fields)).map(|volume| volume.geometry().origin);
    let (from_sform, from_qform) = ([-10.0, -20.0, 30.0], [-1.0, -2.0, 3.0]);
    assert_eq!(origin(&turned(1, 1)).unwrap(), from_sform);
    assert_eq!(origin(&turned(1, 0)).unwrap(), from_sform);
    assert_eq!(origin(&turned(2, 0)).unwrap(), from_sform);
    assert_eq!(origin(&turned(2, 1)).unwrap(), from_qform);
    assert_eq!(origin(&turned(0, 2)).unwrap(), from_qform);
    let neither = *read(&with_voxels(&turned(0, 0))).unwrap().geometry();
    assert_eq!((neither.origin, neither.direction), ([0.0; 3], IDENTITY_DIRECTION));

    let sheared = |codes: (i16, i16), shear: f64| {
        let mut fields = turned(codes.0, codes.1);
        fields.sform[0][1] = shear;
        origin(&fields)
    };
    assert_eq!(sheared((1, 1), 0.5).unwrap(), from_qform);
    assert!(matches!(sheared((1, 0), 0.5), Err(NiftiProblem::Sheared)));
    assert_eq!(sheared((1, 0), 1e-4).unwrap(), from_sform, "a shear within the tolerance");
}

#[test]
fn the_quaternion_turns_and_mirrors() {
    let direction = read(&with_voxels(&turned(0, 1))).unwrap().geometry().direction;
    let expected = [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
    for (found, expected) in direction.as_flattened().iter().zip(expected.as_flattened()) {
        assert!((found - expected).abs() < 1e-6, "{direction:?}");
    }
    let half_turn = Fields { quaternion: [0.0, 0.0, 1.0], qform_code: 1, ..turned(0, 1) };
    let direction = read(&with_voxels(&half_turn)).unwrap().geometry().direction;
    assert_eq!(direction, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]);
}

#[test]
fn trailing_dimensions_of_one_are_dropped_and_others_rejected() {
    let with_dim = |dim| with_voxels(&Fields { dim, ..Fields::new(Order::Little, 2) });
    assert_eq!(read(&with_dim([5, 3, 2, 2, 1, 1, 1, 1])).unwrap().size(), [3, 2, 2]);
    assert_eq!(read(&with_dim([3, 6, 2, 1, 1, 1, 1, 1])).unwrap().size(), [6, 2, 1]);
    let message = |dim| read(&with_dim(dim)).unwrap_err().to_string();
    assert_eq!(message([4, 3, 2, 1, 2, 1, 1, 1]), "a 3D image is needed, but the image has 4 dimensions: [3, 2, 1, 2]");
    assert_eq!(message([2, 6, 2, 1, 1, 1, 1, 1]), "a 3D image is needed, but the image has 2 dimensions: [6, 2]");
    assert!(message([5, 3, 2, 1, 1, 2, 1, 1]).starts_with("this is a vector image with 2 values per voxel"));
}

#[test]
fn a_series_is_cut_along_its_fourth_axis() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let fields = Fields { dim: [4, 3, 2, 1, 2, 1, 1, 1], ..Fields::new(Order::Little, 4) };
    std::fs::write(file.path(), with_voxels(&fields)).unwrap();
    let series = nifti::read_series(file.path()).unwrap();
    assert_eq!(series.len(), 2);
    assert_eq!(series[1].voxels(), &counted()[6..]);
    assert_eq!(series[1].size(), [3, 2, 1]);
    assert!(nifti::read_vector(file.path()).is_err());
}

#[test]
fn a_header_alone_is_enough_for_the_header() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let fields = Fields { dim: [4, 512, 512, 400, 7, 1, 1, 1], ..Fields::new(Order::Big, 4) };
    // The compressed stream breaks off after the header: it must not be needed.
    let compressed = gzip(&[fields.nifti1(), (0..200_000_u32).flat_map(u32::to_le_bytes).collect()].concat());
    std::fs::write(file.path(), &compressed[..compressed.len() / 2]).unwrap();
    let header = nifti::read_header(file.path()).unwrap();
    assert_eq!(header.dimensions, [512, 512, 400, 7]);
    assert_eq!(header.geometry().size, [512, 512, 400]);
    assert_eq!((header.datatype, header.is_3d()), (nifti::Datatype::I16, false));
}

fn read_integers<T: Integer>(bytes: &[u8]) -> Result<Volume<T>, NiftiProblem> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    nifti::read_integers(file.path()).map_err(|error| error.problem)
}

#[test]
fn whole_numbers_of_every_type_are_read_as_every_integer() {
    fn check<T: Integer + From<u8> + std::fmt::Debug>(bytes: &[u8]) {
        let counted: Vec<T> = (0..12_u8).map(T::from).collect();
        assert_eq!(read_integers::<T>(bytes).unwrap().voxels(), counted);
    }
    for datatype in DATATYPES {
        for order in [Order::Little, Order::Big] {
            let plain = with_voxels(&Fields::new(order, datatype));
            check::<u8>(&plain);
            check::<u16>(&plain);
            check::<i16>(&plain);
            check::<u32>(&gzip(&plain));
            check::<i32>(&gzip(&plain));
            assert_eq!(read_integers::<i8>(&plain).unwrap().voxels()[11], 11);
            let doubled = with_voxels(&Fields { slope: 2.0, intercept: 1.0, ..Fields::new(order, datatype) });
            assert_eq!(read_integers::<u8>(&doubled).unwrap().voxels()[..3], [1, 3, 5]);
        }
    }
}

#[test]
fn what_an_integer_type_cannot_hold_is_refused_with_its_place() {
    let message = |datatype: i16, bytes: &[u8]| {
        let fields = Fields { dim: [3, 1, 2, 1, 1, 1, 1, 1], datatype, ..Fields::new(Order::Little, 2) };
        let zero = vec![0; bytes.len()];
        let file = [fields.nifti1().as_slice(), &zero, bytes].concat();
        (read_integers::<u8>(&file).map_err(|error| error.to_string()), read_integers::<i32>(&file).is_ok())
    };
    let refused = |value: &str| Err(format!("voxel (0, 1, 0) is {value}, not a whole number from 0 to 255"));
    assert_eq!(message(4, &256_i16.to_le_bytes()), (refused("256"), true));
    assert_eq!(message(4, &(-1_i16).to_le_bytes()), (refused("-1"), true));
    assert_eq!(message(256, &[0xff]), (refused("-1"), true));
    assert_eq!(message(16, &0.5_f32.to_le_bytes()), (refused("0.5"), false));
    assert_eq!(message(16, &f32::NAN.to_le_bytes()), (refused("NaN"), false));
    assert_eq!(message(16, &f32::NEG_INFINITY.to_le_bytes()), (refused("-inf"), false));
    assert_eq!(message(16, &2_147_483_648_f32.to_le_bytes()), (refused("2147483600"), false));
    assert_eq!(message(64, &(-2_147_483_648_f64).to_le_bytes()), (refused("-2147483600"), true));
    assert!(!message(64, &255.000_000_1_f64.to_le_bytes()).1);
    // The whole range of 64 bits, where a detour through floats or other signs would go wrong.
    assert_eq!(message(1024, &((1_i64 << 32) + 1).to_le_bytes()), (refused("4294967300"), false));
    assert!(!message(1280, &(u64::MAX - 254).to_le_bytes()).1);
    assert!(!message(1280, &(1_u64 << 63).to_le_bytes()).1);
}
