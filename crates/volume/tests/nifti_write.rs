//! Writing, and reading back.

use mist_volume::nifti::{self, Datatype, Voxel};
use mist_volume::{Geometry, Volume, same_grid};
use std::path::Path;

/// A rotation by 0.3 about an odd axis, its last column mirrored.
fn oblique() -> Geometry {
    let (s, c) = 0.3_f64.sin_cos();
    Geometry {
        size: [5, 4, 3],
        spacing: [0.75, 1.25, 3.5],
        origin: [-101.5, 42.25, 7.0],
        direction: [[c, s, 0.0], [0.0, 0.0, 1.0], [s, -c, 0.0]],
    }
}

fn round_trip<T: Voxel + Into<f64>>(values: impl Fn(usize) -> T, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut i = 0;
    let volume = Volume::from_fn(oblique(), |_| {
        i += 1;
        values(i)
    });
    nifti::write(&path, &volume).unwrap();
    let back = nifti::read(&path).unwrap();
    assert_eq!(same_grid(back.geometry(), volume.geometry(), 1e-6), Ok(()));
    let expected: Vec<f32> = volume.voxels().iter().map(|&value| value.into() as f32).collect();
    assert_eq!(back.voxels(), expected);
    assert_eq!(nifti::read_header(&path).unwrap().datatype, T::DATATYPE);
}

#[test]
fn all_types_round_trip() {
    for name in ["image.nii", "image.nii.gz"] {
        round_trip(|i| i as u8, name);
        round_trip(|i| i as i8 - 30, name);
        round_trip(|i| i as u16 * 1000, name);
        round_trip(|i| i as i16 * -500, name);
        round_trip(|i| i as u32 * 70_000, name);
        round_trip(|i| i as i32 * -70_000, name);
        round_trip(|i| (i as f32).sqrt(), name);
        round_trip(|i| (i as f64).sqrt(), name);
    }
}

/// All ways of permuting and flipping axes.
fn directions() -> Vec<[[f64; 3]; 3]> {
    let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut all = Vec::new();
    for permutation in permutations {
        for signs in 0..8 {
            let mut direction = [[0.0; 3]; 3];
            for (image, &world) in permutation.iter().enumerate() {
                direction[world][image] = if signs >> image & 1 == 0 { 1.0 } else { -1.0 };
            }
            all.push(direction);
        }
    }
    all
}

#[test]
fn all_orientations_survive_in_sform_and_quaternion() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii");
    for direction in directions() {
        let geometry = Geometry { direction, ..oblique() };
        nifti::write(&path, &Volume::filled(geometry, 1_u8)).unwrap();
        assert_eq!(nifti::read_header(&path).unwrap().geometry(), geometry, "by sform");
        // Without the sform, the quaternion must say the same.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[254..256].fill(0);
        std::fs::write(&path, bytes).unwrap();
        let by_quaternion = nifti::read_header(&path).unwrap().geometry();
        assert_eq!(same_grid(&by_quaternion, &geometry, 1e-6), Ok(()));
    }
}

#[test]
fn oblique_quaternions_describe_the_same_grid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii");
    for step in 0..100 {
        let (angle_x, angle_z) = (f64::from(step) * 0.37, f64::from(step) * 0.73);
        let ((sx, cx), (sz, cz)) = (angle_x.sin_cos(), angle_z.sin_cos());
        let mirror = if step % 2 == 0 { 1.0 } else { -1.0 };
        let direction = [[cz, -sz * cx, sz * sx * mirror], [sz, cz * cx, -cz * sx * mirror], [0.0, sx, cx * mirror]];
        let geometry = Geometry { direction, ..oblique() };
        nifti::write(&path, &Volume::filled(geometry, 1_u8)).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[254..256].fill(0);
        std::fs::write(&path, bytes).unwrap();
        let found = nifti::read_header(&path).unwrap().geometry();
        assert_eq!(same_grid(&found, &geometry, 1e-6), Ok(()), "step {step}");
    }
}

#[test]
fn compressed_files_are_the_same_every_time_and_one_gzip_member() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.nii.gz", "b.nii.gz"].map(|name| folder.path().join(name));
    // Larger than several compression blocks.
    let geometry = Geometry::axis_aligned([150, 150, 80], [1.0; 3]);
    let volume = Volume::from_fn(geometry, |[x, y, z]| ((x * y + z * z) % 977) as i16);
    let few_threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    nifti::write(&paths[0], &volume).unwrap();
    few_threads.install(|| nifti::write(&paths[1], &volume)).unwrap();
    let bytes = paths.each_ref().map(|path| std::fs::read(path).unwrap());
    assert_eq!(bytes[0], bytes[1]);
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes[0].as_slice()), &mut content).unwrap();
    assert_eq!(content.len(), 352 + 2 * 150 * 150 * 80, "one member holds everything");
    assert_eq!(nifti::read(&paths[0]).unwrap().voxels(), volume.map(|&value| f32::from(value)).voxels());
}

/// Whole compression blocks of one value are deflated once; the beginning, borders between values and the end are not such.
#[test]
fn long_runs_of_one_value_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");
    let geometry = Geometry::axis_aligned([1 << 10, 1 << 10, 5], [1.0; 3]);
    let planes = [0, 7, 7, 0, 255];
    let volume = Volume::from_fn(geometry, |[x, y, z]| if [x, y, z] == [9, 500, 2] { 1_u8 } else { planes[z] });
    nifti::write(&path, &volume).unwrap();
    assert!(nifti::read_integers::<u8>(&path).unwrap() == volume);
    let uniform = Volume::filled(geometry, -1_i16);
    nifti::write(&path, &uniform).unwrap();
    assert!(nifti::read_integers::<i16>(&path).unwrap() == uniform);
}

#[test]
fn components_share_compression_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");
    // Neither ends where a block does: one is larger than a block, three of the other fit into one.
    for size in [[101, 103, 37], [23, 29, 31]] {
        let geometry = Geometry::axis_aligned(size, [1.0; 3]);
        let components: Vec<_> = (0..3)
            .map(|k| Volume::from_fn(geometry, |[x, y, z]| ((x * 7 + y * 31 + z * 97) % 1009 + 10_000 * k) as f32))
            .collect();
        nifti::write_vector(&path, &components).unwrap();
        assert!(nifti::read_vector(&path).unwrap() == components);
    }
}

#[test]
fn vectors_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");
    let components: Vec<_> = [1.0_f32, 2.0, 3.0]
        .iter()
        .map(|&factor| Volume::from_fn(oblique(), |[x, y, z]| factor * (x + 7 * y + 31 * z) as f32))
        .collect();
    nifti::write_vector(&path, &components).unwrap();
    assert_eq!(nifti::read_header(&path).unwrap().dimensions, [5, 4, 3, 1, 3]);
    let back = nifti::read_vector(&path).unwrap();
    assert_eq!(back.len(), 3);
    assert!(back.iter().zip(&components).all(|(back, component)| back.voxels() == component.voxels()));
    assert!(nifti::read(&path).unwrap_err().to_string().contains("vector image with 3 values"));
    assert!(nifti::write_vector(&path, &[]).is_err());
    let other = Volume::filled(Geometry::axis_aligned([2; 3], [1.0; 3]), 0.0);
    assert!(nifti::write_vector(&path, &[components[0].clone(), other]).is_err());
    // As many voxels, but not the same grid.
    let [nx, ny, nz] = components[0].size();
    let turned = Volume::filled(Geometry::axis_aligned([nx * ny, nz, 1], [1.0; 3]), 0.0);
    assert!(nifti::write_vector(&path, &[components[0].clone(), turned]).is_err());
}

#[test]
fn other_types_are_rounded_and_limited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");
    let geometry = Geometry::axis_aligned([6, 1, 1], [1.0; 3]);
    let volume = Volume::new(geometry, vec![-3.0, 0.5, 1.5, 2.4, 300.0, f32::NAN]).unwrap();
    nifti::write_as(&path, &volume, Datatype::U8).unwrap();
    assert_eq!(nifti::read(&path).unwrap().voxels(), [0.0, 0.0, 2.0, 2.0, 255.0, 0.0]);
    nifti::write_as(&path, &volume, Datatype::I64).unwrap();
    assert_eq!(nifti::read(&path).unwrap().voxels()[..5], [-3.0, 0.0, 2.0, 2.0, 300.0]);
}

#[test]
fn what_cannot_be_written_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");
    std::fs::write(&path, "old").unwrap();
    let too_long = Volume::filled(Geometry::axis_aligned([40_000, 1, 1], [1.0; 3]), 0_u8);
    assert!(nifti::write(&path, &too_long).unwrap_err().to_string().contains("[40000, 1, 1] voxels do not fit"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let small = Volume::filled(Geometry::axis_aligned([2; 3], [1.0; 3]), 0_u8);
    assert!(
        nifti::write(&folder.path().join("image.mha"), &small)
            .unwrap_err()
            .to_string()
            .contains("must end with .nii.gz")
    );
    assert!(nifti::write(Path::new("/no/such/folder/image.nii"), &small).is_err());
    nifti::write(&path, &small).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
}
