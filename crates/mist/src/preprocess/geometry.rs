//! Whether two images of a case lie on the same voxels.

use mist_volume::Geometry;

/// Origins may differ by this much, in mm: converters write them through f32 and decimal text.
const ORIGIN_TOLERANCE: f64 = 1e-3;
/// Spacings may differ by this much, in mm.
const SPACING_TOLERANCE: f64 = 1e-4;
/// Direction cosines may differ by this much: quaternions and matrices of one header round differently.
const DIRECTION_TOLERANCE: f64 = 1e-4;

/// Says how `other` differs from `anchor`, or nothing when both lie on the same voxels.
pub fn difference(anchor: &Geometry, other: &Geometry) -> Option<String> {
    if anchor.size != other.size {
        return Some(format!("size {:?} instead of {:?}", other.size, anchor.size));
    }
    if furthest(&anchor.spacing, &other.spacing) > SPACING_TOLERANCE {
        return Some(format!("spacing {:?} mm instead of {:?} mm", other.spacing, anchor.spacing));
    }
    if furthest(&anchor.origin, &other.origin) > ORIGIN_TOLERANCE {
        return Some(format!("origin {:?} mm instead of {:?} mm", other.origin, anchor.origin));
    }
    let turned = anchor.direction.iter().zip(&other.direction).any(|(a, b)| furthest(a, b) > DIRECTION_TOLERANCE);
    turned.then(|| format!("direction {:?} instead of {:?}", other.direction, anchor.direction))
}

fn furthest(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry() -> Geometry {
        Geometry {
            size: [40, 50, 30],
            spacing: [0.9, 0.9, 5.0],
            origin: [-120.5, 33.25, 900.0],
            direction: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        }
    }

    #[test]
    fn rounding_of_headers_is_no_difference() {
        let mut other = geometry();
        other.origin[2] += 6e-5;
        other.spacing[0] += 1e-7;
        other.direction[0][1] = 1e-6;
        assert_eq!(difference(&geometry(), &other), None);
    }

    #[test]
    fn each_part_of_the_geometry_is_compared_and_named() {
        let changes: [(&str, fn(&mut Geometry)); 4] = [
            ("size", |g| g.size[1] = 51),
            ("spacing", |g| g.spacing[2] = 4.99),
            ("origin", |g| g.origin[0] += 0.01),
            ("direction", |g| g.direction[0][1] = 0.01),
        ];
        for (name, change) in changes {
            let mut other = geometry();
            change(&mut other);
            let text = difference(&geometry(), &other).unwrap_or_default();
            assert!(text.starts_with(name), "{name}: {text:?}");
        }
    }
}
