//! Whether a case can be resampled at all. A slip in a header (metres for millimetres, a spacing of 1e6) asks for more
//! memory than any machine has; that has to be an error of this case, not the end of the program.

use crate::memory::{Allowance, readable};
use mist_volume::resample::{resampled_size, spline_grid};
use mist_volume::{Geometry, all_close};

/// Bytes per voxel of the grid whose spline is computed: an image of it, and the coefficients.
const BYTES_PER_SPLINE_VOXEL: f64 = 12.0;
/// Bytes per value of the result.
const BYTES_PER_VALUE: f64 = 4.0;
/// No scan comes near so many voxels. The limit where the system does not tell its free memory, and that of the analysis,
/// whose outcome must not depend on the machine.
const MOST_VOXELS: f64 = (1_u64 << 36) as f64;

/// Memory for resampling an image (cropped, in the standard frame) of a case with that many values per voxel, in bytes.
pub fn bytes_needed(geometry: &Geometry, target_spacing: [f64; 3], values: usize) -> f64 {
    let spline = match all_close(&geometry.spacing, &target_spacing) {
        true => 0.0,
        false => spline_grid(geometry, target_spacing),
    };
    let result = voxels(resampled_size(geometry.size, geometry.spacing, target_spacing));
    BYTES_PER_SPLINE_VOXEL * spline + BYTES_PER_VALUE * (values + 1) as f64 * result
}

fn voxels(size: [usize; 3]) -> f64 {
    size.into_iter().map(|n| n as f64).product()
}

/// Why the image cannot be resampled in that memory; `None` if it can.
pub fn refusal(geometry: &Geometry, target_spacing: [f64; 3], values: usize, memory: Allowance) -> Option<String> {
    let size @ [x, y, z] = resampled_size(geometry.size, geometry.spacing, target_spacing);
    let needed = bytes_needed(geometry, target_spacing, values);
    let too_much = match memory.bytes() {
        _ if voxels(size).max(spline_grid(geometry, target_spacing)) > MOST_VOXELS => {
            "more than any scan has".to_owned()
        }
        Some(available) if needed > available => format!("and {memory}"),
        _ => return None,
    };
    Some(format!(
        "it would become {x} x {y} x {z} voxels and take {} of memory, {too_much}; its voxels measure {} mm, those of the \
         target {} mm: check the spacing and the unit in its header, and spatial_config.target_spacing in config.json",
        readable(needed),
        lengths(geometry.spacing),
        lengths(target_spacing)
    ))
}

fn lengths([x, y, z]: [f64; 3]) -> String {
    format!("{x} x {y} x {z}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_passes_and_the_absurd_is_refused_with_its_spacing() {
        let geometry = Geometry::axis_aligned([100, 100, 100], [1.0; 3]);
        assert_eq!(refusal(&geometry, [2.0; 3], 1, Allowance::Free(14e6)), None);
        assert_eq!(refusal(&geometry, [1.0; 3], 1, Allowance::Free(8e6)), None, "nothing is interpolated");
        assert_eq!(refusal(&geometry, [0.5; 3], 1, Allowance::Unknown), None);
        let text = refusal(&geometry, [0.5; 3], 1, Allowance::Free(70e6)).unwrap();
        assert!(
            text.starts_with("it would become 200 x 200 x 200 voxels and take 76 MB of memory, and 70 MB"),
            "{text}"
        );
        for spacing in [1e6, 1e300] {
            let absurd = Geometry { spacing: [spacing; 3], ..geometry };
            let text = refusal(&absurd, [1e-6; 3], 1, Allowance::Unknown).unwrap();
            assert!(text.contains("more than any scan has") && text.contains("check the spacing"), "{text}");
        }
    }
}
