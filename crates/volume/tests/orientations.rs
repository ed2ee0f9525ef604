//! One phantom, stored along all 48 arrangements of axes, through every writer and reader: it comes back exactly, and turned to
//! the standard frame it is always the same.

#[allow(dead_code)] // other values are encoded here
#[path = "support/nifti.rs"]
mod made;

use made::{Fields, Order};
use mist_volume::nifti::{self, Datatype, Integer, Voxel};
use mist_volume::orientation::{axis_codes, from_standard, standard_geometry, to_standard};
use mist_volume::{Geometry, IDENTITY_DIRECTION, Volume, npy};
use std::io::Write;
use std::path::Path;

/// All ways to permute and flip three axes.
struct Arrangement {
    /// The image axis that runs along each world axis.
    image_axis: [usize; 3],
    /// Whether it runs against it.
    reversed: [bool; 3],
}

fn arrangements() -> impl Iterator<Item = Arrangement> {
    let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let flips = |image_axis| {
        (0..8).map(move |bits| Arrangement { image_axis, reversed: [0, 1, 2].map(|world| bits >> world & 1 == 1) })
    };
    permutations.into_iter().flat_map(flips)
}

/// The phantom in the standard frame: three sizes and three spacings that differ, all exact in f32.
fn standard_grid() -> Geometry {
    Geometry {
        size: [5, 4, 3],
        spacing: [0.75, 1.25, 3.5],
        origin: [-101.5, 42.25, 7.0],
        direction: IDENTITY_DIRECTION,
    }
}

/// The value of a voxel of the standard frame: each occurs once, and all types hold it.
fn value([x, y, z]: [usize; 3]) -> i8 {
    (x + 5 * y + 20 * z) as i8 + 1
}

impl Arrangement {
    /// The phantom as it is stored along these axes. Written out here, so that it is not the code that is tested.
    fn phantom<T>(&self, convert: impl Fn(i8) -> T) -> Volume<T> {
        let standard = standard_grid();
        let (mut size, mut spacing, mut origin, mut direction) = ([0; 3], [0.0; 3], standard.origin, [[0.0; 3]; 3]);
        for world in 0..3 {
            let image = self.image_axis[world];
            size[image] = standard.size[world];
            spacing[image] = standard.spacing[world];
            direction[world][image] = if self.reversed[world] { -1.0 } else { 1.0 };
            if self.reversed[world] {
                origin[world] += (standard.size[world] - 1) as f64 * standard.spacing[world];
            }
        }
        Volume::from_fn(Geometry { size, spacing, origin, direction }, |index| {
            convert(value([0, 1, 2].map(|world| {
                let along = index[self.image_axis[world]];
                if self.reversed[world] { standard.size[world] - 1 - along } else { along }
            })))
        })
    }

    /// Header fields of the phantom: both transforms, in RAS.
    fn fields(&self, order: Order, datatype: Datatype) -> Fields {
        let Geometry { size, spacing, origin, direction } = *self.phantom(f32::from).geometry();
        let ras = [direction[0].map(|cosine| -cosine), direction[1].map(|cosine| -cosine), direction[2]];
        let offset = [-origin[0], -origin[1], origin[2]];
        let (handedness, quaternion) = quaternion(ras);
        let mut fields = Fields::new(order, code(datatype));
        for axis in 0..3 {
            fields.dim[axis + 1] = size[axis] as i64;
            fields.pixdim[axis + 1] = spacing[axis];
            for row in 0..3 {
                fields.sform[row][axis] = ras[row][axis] * spacing[axis];
            }
            fields.sform[axis][3] = offset[axis];
        }
        fields.pixdim[0] = handedness;
        fields.quaternion = quaternion;
        fields.qoffset = offset;
        fields
    }
}

/// Handedness and vector part of the quaternion of a rotation by right angles, found among all there are.
fn quaternion(wanted: [[f64; 3]; 3]) -> (f64, [f64; 3]) {
    let half = 0.5_f64.sqrt();
    let parts = [0.0, 0.5, -0.5, half, -half, 1.0, -1.0];
    for handedness in [1.0, -1.0] {
        for [b, c, d] in parts.iter().flat_map(|b| parts.iter().flat_map(|c| parts.map(|d| [*b, *c, d]))) {
            let rest = 1.0 - b * b - c * c - d * d;
            let a = rest.max(0.0).sqrt();
            // As in nifti1.h.
            let matrix = [
                [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c) * handedness],
                [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b) * handedness],
                [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), (a * a + d * d - b * b - c * c) * handedness],
            ];
            let differences = matrix.as_flattened().iter().zip(wanted.as_flattened()).map(|(a, b)| (a - b).abs());
            if rest > -1e-9 && differences.fold(0.0, f64::max) < 1e-9 {
                return (handedness, [b, c, d]);
            }
        }
    }
    panic!("{wanted:?} is no rotation by right angles")
}

const DATATYPES: [Datatype; 10] = [
    Datatype::U8,
    Datatype::I8,
    Datatype::U16,
    Datatype::I16,
    Datatype::U32,
    Datatype::I32,
    Datatype::U64,
    Datatype::I64,
    Datatype::F32,
    Datatype::F64,
];

fn code(datatype: Datatype) -> i16 {
    match datatype {
        Datatype::U8 => 2,
        Datatype::I16 => 4,
        Datatype::I32 => 8,
        Datatype::F32 => 16,
        Datatype::F64 => 64,
        Datatype::I8 => 256,
        Datatype::U16 => 512,
        Datatype::U32 => 768,
        Datatype::I64 => 1024,
        Datatype::U64 => 1280,
    }
}

/// Voxels as bytes of a file.
fn encoded(voxels: &[i8], datatype: Datatype, order: Order) -> Vec<u8> {
    let encode = |&value: &i8| {
        let mut bytes = match datatype {
            Datatype::F32 => f32::from(value).to_le_bytes().to_vec(),
            Datatype::F64 => f64::from(value).to_le_bytes().to_vec(),
            _ => i64::from(value).to_le_bytes()[..datatype.bytes()].to_vec(),
        };
        if order == Order::Big {
            bytes.reverse();
        }
        bytes
    };
    voxels.iter().flat_map(encode).collect()
}

/// Every reader finds the phantom in a file, voxel for voxel, on the grid that `same` accepts; in the standard frame it is the
/// one phantom there is.
fn check_readers(path: &Path, phantom: &Volume<f32>, same: impl Fn(&Geometry), context: &str) {
    let read = nifti::read(path).unwrap();
    same(read.geometry());
    assert_eq!(read.voxels(), phantom.voxels(), "{context}");
    assert_eq!(nifti::read_header(path).unwrap().geometry(), *read.geometry(), "{context}");
    assert_eq!(nifti::read_series(path).unwrap(), std::slice::from_ref(&read), "{context}");
    assert_eq!(nifti::read_vector(path).unwrap(), std::slice::from_ref(&read), "{context}");
    nifti::verify(path).unwrap();
    check_integers::<u8>(path, &read, context);
    check_integers::<i8>(path, &read, context);
    check_integers::<u16>(path, &read, context);
    check_integers::<i16>(path, &read, context);
    check_integers::<u32>(path, &read, context);
    check_integers::<i32>(path, &read, context);

    let standard = to_standard(&read);
    assert_eq!(
        standard.voxels(),
        Volume::from_fn(standard_grid(), |index| f32::from(value(index))).voxels(),
        "{context}"
    );
    assert_eq!(standard_geometry(read.geometry()), *standard.geometry());
    let Geometry { size, spacing, origin, direction } = *standard.geometry();
    let expected = standard_grid();
    assert_eq!((size, spacing, direction), (expected.size, expected.spacing, expected.direction), "{context}");
    // By way of a quaternion of f32, the corner that becomes the first lies this far off.
    assert!(origin.iter().zip(expected.origin).all(|(a, b)| (a - b).abs() < 1e-5), "{context}: {origin:?}");
    let back = from_standard(&standard, &read.geometry().direction);
    assert_eq!(back.voxels(), read.voxels(), "{context}");
    let grids = [back.geometry(), read.geometry()].map(|grid| (grid.size, grid.spacing, grid.direction));
    assert_eq!(grids[0], grids[1], "{context}");
}

fn check_integers<T: Integer>(path: &Path, read: &Volume<f32>, context: &str) {
    let integers = nifti::read_integers::<T>(path).unwrap();
    assert_eq!(integers.geometry(), read.geometry(), "{context}");
    assert!(integers.voxels().iter().zip(read.voxels()).all(|(&a, &b)| a == T::cut(b as i64)), "{context}");
}

#[test]
fn what_is_written_comes_back() {
    fn written<T: Voxel>(volume: &Volume<T>, names: &[&Path; 2], phantom: &Volume<f32>, context: &str) {
        for path in names {
            nifti::write(path, volume).unwrap();
            assert_eq!(nifti::read_header(path).unwrap().datatype, T::DATATYPE);
            check_readers(path, phantom, |grid| assert_eq!(grid, phantom.geometry(), "{context}"), context);
        }
        assert_eq!(nifti::to_bytes(volume).unwrap(), std::fs::read(names[0]).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let [plain, compressed, other] = ["a.nii", "a.nii.gz", "b.nii.gz"].map(|name| folder.path().join(name));
    let names = [plain.as_path(), compressed.as_path()];
    let mut count = 0;
    for arrangement in arrangements() {
        count += 1;
        let phantom = arrangement.phantom(f32::from);
        let context = axis_codes(&phantom.geometry().direction);
        written(&arrangement.phantom(|value| value as u8), &names, &phantom, &context);
        written(&arrangement.phantom(|value| value), &names, &phantom, &context);
        written(&arrangement.phantom(|value| value as u16), &names, &phantom, &context);
        written(&arrangement.phantom(i16::from), &names, &phantom, &context);
        written(&arrangement.phantom(|value| value as u32), &names, &phantom, &context);
        written(&arrangement.phantom(i32::from), &names, &phantom, &context);
        written(&arrangement.phantom(|value| value as u64), &names, &phantom, &context);
        written(&arrangement.phantom(i64::from), &names, &phantom, &context);
        written(&arrangement.phantom(f64::from), &names, &phantom, &context);
        written(&phantom, &names, &phantom, &context);
        // The other writer makes the same file.
        for datatype in DATATYPES {
            nifti::write_as(&other, &phantom, datatype).unwrap();
            check_readers(&other, &phantom, |grid| assert_eq!(grid, phantom.geometry()), &context);
        }
        nifti::write_as(&other, &phantom, Datatype::F32).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), std::fs::read(&compressed).unwrap(), "{context}");

        let components = [phantom.clone(), phantom.map(|value| -value)];
        nifti::write_vector(&compressed, &components).unwrap();
        assert_eq!(nifti::read_vector(&compressed).unwrap(), components, "{context}");
    }
    assert_eq!(count, 48);
}

#[test]
fn headers_of_others_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii.gz");
    for arrangement in arrangements() {
        let phantom = arrangement.phantom(f32::from);
        let expected = *phantom.geometry();
        let stored = arrangement.phantom(|value| value);
        for (order, datatype) in
            [Order::Little, Order::Big].into_iter().flat_map(|order| DATATYPES.map(|datatype| (order, datatype)))
        {
            let voxels = encoded(stored.voxels(), datatype, order);
            for (sform_code, qform_code) in [(1, 0), (0, 1), (1, 1)] {
                let mut fields = Fields { sform_code, qform_code, ..arrangement.fields(order, datatype) };
                // The transform that does not count is nonsense.
                match (sform_code, qform_code) {
                    (0, _) => fields.sform = [[7.0; 4]; 3],
                    (_, 0) => (fields.quaternion, fields.qoffset) = ([0.3; 3], [99.0; 3]),
                    _ => {}
                }
                for (version, header) in [(1, fields.nifti1()), (2, fields.nifti2())] {
                    let bytes = [header, voxels.clone()].concat();
                    // One version plain, the other compressed, in turns.
                    let is_plain = (version + usize::from(order == Order::Big) + datatype.bytes()) % 2 == 0;
                    std::fs::write(&path, if is_plain { bytes } else { gzip(&bytes) }).unwrap();
                    let context =
                        format!("{expected:?}, {datatype:?}, {order:?}, NIfTI-{version}, {sform_code} {qform_code}");
                    let same = |grid: &Geometry| {
                        let exact = (grid.size, grid.spacing, grid.origin);
                        assert_eq!(exact, (expected.size, expected.spacing, expected.origin), "{context}");
                        // A quaternion of f32 holds right angles to 8 digits only; a matrix holds them exactly.
                        let tolerance = if sform_code == 0 { 1e-6 } else { 0.0 };
                        let mut cosines = grid.direction.as_flattened().iter().zip(expected.direction.as_flattened());
                        assert!(cosines.all(|(a, b)| (a - b).abs() <= tolerance), "{context}: {:?}", grid.direction);
                    };
                    check_readers(&path, &phantom, same, &context);
                }
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Voxels in the order of arrays: the last axis fastest.
fn last_axis_fastest<T: Copy>(volume: &Volume<T>) -> Vec<T> {
    let [nx, ny, nz] = volume.size();
    let indices = (0..nx).flat_map(|x| (0..ny).flat_map(move |y| (0..nz).map(move |z| [x, y, z])));
    indices.map(|index| volume.voxels()[volume.offset(index)]).collect()
}

#[test]
fn arrays_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let standard = Volume::from_fn(standard_grid(), |index| f32::from(value(index)));
    for arrangement in arrangements() {
        let phantom = arrangement.phantom(f32::from);
        let shape = phantom.size();
        let expected = last_axis_fastest(&phantom);
        npy::write(&path, &shape, &expected).unwrap();
        assert_eq!(npy::read_f32(&path).unwrap(), (shape.to_vec(), expected.clone()));
        let labels: Vec<u8> = expected.iter().map(|&value| value as u8).collect();
        npy::write(&path, &shape, &labels).unwrap();
        assert_eq!(npy::read_u8(&path).unwrap(), (shape.to_vec(), labels));

        // With the first axis fastest, a file holds the voxels as the image does, in every type.
        for (descr, datatype, order) in [
            ("|u1", Datatype::U8, Order::Little),
            ("|i1", Datatype::I8, Order::Little),
            ("<i2", Datatype::I16, Order::Little),
            (">i2", Datatype::I16, Order::Big),
            ("<i4", Datatype::I32, Order::Little),
            (">i4", Datatype::I32, Order::Big),
            ("<i8", Datatype::I64, Order::Little),
            (">i8", Datatype::I64, Order::Big),
            ("<f4", Datatype::F32, Order::Little),
            (">f4", Datatype::F32, Order::Big),
            ("<f8", Datatype::F64, Order::Little),
            (">f8", Datatype::F64, Order::Big),
        ] {
            let [x, y, z] = shape;
            let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': ({x}, {y}, {z}), }}\n");
            let length = (header.len() as u16).to_le_bytes();
            let voxels = encoded(arrangement.phantom(|value| value).voxels(), datatype, order);
            std::fs::write(&path, [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &voxels].concat()).unwrap();
            assert_eq!(npy::read_f32(&path).unwrap(), (shape.to_vec(), expected.clone()), "{descr}");
        }

        // An array of a case is that of the standard frame, whatever the scan's arrangement.
        npy::write(&path, &standard.size(), &last_axis_fastest(&to_standard(&phantom))).unwrap();
        assert_eq!(npy::read_f32(&path).unwrap(), (standard.size().to_vec(), last_axis_fastest(&standard)));
    }
}
