//! Where a NIfTI header puts an image: sform, quaternion and units to LPS geometry, and back.

use super::error::NiftiProblem;
use crate::geometry::{Geometry, IDENTITY_DIRECTION};

/// Largest deviation from the identity of the products of the sform's unit columns.
const ORTHONORMAL_TOLERANCE: f64 = 1e-4;

/// The header fields that place an image, as stored.
pub(super) struct Stored {
    /// Handedness of the quaternion (`qfac`), then the spacings.
    pub(super) pixdim: [f64; 4],
    /// `xyzt_units`.
    pub(super) units: u8,
    pub(super) qform_code: i32,
    pub(super) sform_code: i32,
    /// Vector part b, c, d of the unit quaternion.
    pub(super) quaternion: [f64; 3],
    pub(super) qoffset: [f64; 3],
    /// Rows of the sform matrix, RAS.
    pub(super) sform: [[f64; 4]; 3],
}

/// Spacing, origin and direction in LPS mm.
pub(super) struct Placement {
    pub(super) spacing: [f64; 3],
    pub(super) origin: [f64; 3],
    pub(super) direction: [[f64; 3]; 3],
}

/// Decides which transform counts, as ITK does.
pub(super) fn decode(stored: &Stored) -> Result<Placement, NiftiProblem> {
    let millimetres = match stored.units & 0x07 {
        1 => 1000.0, // metre
        3 => 0.001,  // micron
        _ => 1.0,    // mm, or unknown
    };
    let mut spacing = [0.0; 3];
    for axis in 0..3 {
        let length = stored.pixdim[axis + 1].abs();
        if !length.is_finite() {
            return Err(NiftiProblem::Spacing { axis: axis + 1, found: length });
        }
        spacing[axis] = if length == 0.0 { 1.0 } else { length } * millimetres;
        // In f64, the conversion can go beyond both ends of what it holds.
        if !spacing[axis].is_finite() || spacing[axis] == 0.0 {
            return Err(NiftiProblem::Spacing { axis: axis + 1, found: length });
        }
    }
    let sform_wanted = stored.sform_code > 0 && (stored.sform_code == 1 || stored.qform_code <= 0);
    let sform_columns = if sform_wanted { orthonormal_columns(&stored.sform)? } else { None };
    let (transform, direction, offset) = match sform_columns {
        Some(columns) => ("sform", columns, stored.sform.map(|row| row[3])),
        None if stored.qform_code > 0 => ("qform", rotation(stored)?, stored.qoffset),
        None if sform_wanted => return Err(NiftiProblem::Sheared),
        // Neither transform: the identity in LPS, without changing signs. So does ITK.
        None => return Ok(Placement { spacing, origin: [0.0; 3], direction: IDENTITY_DIRECTION }),
    };
    let [left, posterior, superior] = direction;
    let origin = [-offset[0] * millimetres, -offset[1] * millimetres, offset[2] * millimetres];
    if !origin.iter().chain(direction.as_flattened()).all(|value| value.is_finite()) {
        return Err(NiftiProblem::NotFinite { transform });
    }
    Ok(Placement {
        spacing,
        origin,
        direction: [left.map(|cosine| -cosine), posterior.map(|cosine| -cosine), superior],
    })
}

/// The matrix's columns divided by their lengths, or `None` if they are not orthogonal.
fn orthonormal_columns(sform: &[[f64; 4]; 3]) -> Result<Option<[[f64; 3]; 3]>, NiftiProblem> {
    if !sform.iter().flatten().all(|value| value.is_finite()) {
        return Err(NiftiProblem::NotFinite { transform: "sform" });
    }
    let direction = normalized_columns(&sform.map(|[x, y, z, _]| [x, y, z]));
    if !direction.iter().flatten().all(|cosine| cosine.is_finite()) {
        return Ok(None); // a column of zeros
    }
    for a in 0..3 {
        // With itself as well: the square of a very long column is infinite, and leaves zeros of it.
        for b in 0..=a {
            let product: f64 = direction.iter().map(|row| row[a] * row[b]).sum();
            let wanted = if a == b { 1.0 } else { 0.0 };
            if (product - wanted).abs() > ORTHONORMAL_TOLERANCE {
                return Ok(None);
            }
        }
    }
    Ok(Some(direction))
}

/// Columns divided by their lengths; not finite for a column of zeros.
fn normalized_columns(matrix: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let length = |column: usize| matrix.iter().map(|row| row[column] * row[column]).sum::<f64>().sqrt();
    let lengths = [0, 1, 2].map(length);
    matrix.map(|row| [row[0] / lengths[0], row[1] / lengths[1], row[2] / lengths[2]])
}

/// The rotation of the quaternion (method 2 of `nifti1.h`), its third column negated if `qfac` is negative.
fn rotation(stored: &Stored) -> Result<[[f64; 3]; 3], NiftiProblem> {
    let [mut b, mut c, mut d] = stored.quaternion;
    if !stored.quaternion.iter().chain(&stored.qoffset).all(|value| value.is_finite()) {
        return Err(NiftiProblem::NotFinite { transform: "qform" });
    }
    // The scalar part is what is missing to a unit quaternion; nothing missing means a turn by 180 degrees.
    let missing = 1.0 - (b * b + c * c + d * d);
    let a = if missing < 1e-7 {
        let length = (b * b + c * c + d * d).sqrt();
        (b, c, d) = (b / length, c / length, d / length);
        0.0
    } else {
        missing.sqrt()
    };
    let handedness = if stored.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - c * c - b * b],
    ];
    // ITK keeps the matrix with spacing as f32 and normalizes that: it makes the axes of permuted images exact again.
    let length = |pixdim: f64| if pixdim > 0.0 { pixdim } else { 1.0 };
    let stretch = [length(stored.pixdim[1]), length(stored.pixdim[2]), length(stored.pixdim[3]) * handedness];
    let scaled = rotation.map(|row| [0, 1, 2].map(|axis| f64::from((row[axis] * stretch[axis]) as f32)));
    Ok(normalized_columns(&scaled))
}

/// RAS form of a geometry, for writing.
pub(super) struct Encoded {
    /// 1, or −1 if the axes are left-handed.
    pub(super) qfac: f64,
    pub(super) quaternion: [f64; 3],
    pub(super) offset: [f64; 3],
    /// Rows of the sform.
    pub(super) sform: [[f64; 4]; 3],
}

/// The inverse of [`decode`] for one geometry: both transforms describe it.
pub(super) fn encode(geometry: &Geometry) -> Encoded {
    // `0.0 −` instead of a minus sign: a header full of −0 is correct but unreadable.
    let [x, y, z] = geometry.direction;
    let rotation = [x.map(|cosine| 0.0 - cosine), y.map(|cosine| 0.0 - cosine), z];
    let offset = [0.0 - geometry.origin[0], 0.0 - geometry.origin[1], geometry.origin[2]];
    let sform = [0, 1, 2].map(|row| {
        let scaled = |column: usize| rotation[row][column] * geometry.spacing[column];
        [scaled(0), scaled(1), scaled(2), offset[row]]
    });
    let (qfac, quaternion) = quaternion(rotation);
    Encoded { qfac, quaternion, offset, sform }
}

/// Handedness and vector part of the unit quaternion of an orthonormal matrix.
fn quaternion(mut r: [[f64; 3]; 3]) -> (f64, [f64; 3]) {
    let minor = |a: usize, b: usize| r[1][a] * r[2][b] - r[1][b] * r[2][a];
    let determinant = r[0][0] * minor(1, 2) - r[0][1] * minor(0, 2) + r[0][2] * minor(0, 1);
    let qfac = if determinant < 0.0 { -1.0 } else { 1.0 };
    for row in &mut r {
        row[2] *= qfac;
    }
    // The largest component is computed from the diagonal, the others by dividing by it: stable for every rotation.
    let diagonal = [r[0][0], r[1][1], r[2][2]];
    let trace: f64 = diagonal.iter().sum();
    if trace > -0.5 {
        let a = 0.5 * (1.0 + trace).sqrt();
        let scale = 0.25 / a;
        return (qfac, [(r[2][1] - r[1][2]) * scale, (r[0][2] - r[2][0]) * scale, (r[1][0] - r[0][1]) * scale]);
    }
    let i = (0..3).fold(0, |best, axis| if diagonal[axis] > diagonal[best] { axis } else { best });
    let (j, k) = ((i + 1) % 3, (i + 2) % 3);
    let largest = 0.5 * (1.0 + diagonal[i] - diagonal[j] - diagonal[k]).sqrt();
    let scale = 0.25 / largest;
    let mut vector = [0.0; 3];
    vector[i] = largest;
    vector[j] = (r[i][j] + r[j][i]) * scale;
    vector[k] = (r[i][k] + r[k][i]) * scale;
    // The scalar part must not be negative; −q is the same rotation.
    let scalar = (r[k][j] - r[j][k]) * scale;
    (qfac, if scalar < 0.0 { vector.map(|value| -value) } else { vector })
}
