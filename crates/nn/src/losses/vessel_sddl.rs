//! Centerline Dice and surface Dice with a dilated boundary, for vessels and airways (`vessel_sddl` of MIST).

use super::{Loss, LossEntry, Needs, Segmentation, TargetError};
use super::{cldice::CenterlineDice, surface_dilation::SurfaceDilation, weigh};
use mist_ops::Tensor;

/// `α · clDice + (1 − α) · surface`, where clDice weighs its own terms with the same α: `α² · region + α(1 − α) · centerline +
/// (1 − α) · surface`.
pub struct VesselSurface {
    centerline: CenterlineDice,
    surface: SurfaceDilation,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { spacing: true, alpha: true, ..Needs::default() },
        parameters: [CenterlineDice::PARAMETERS, SurfaceDilation::PARAMETERS].concat(),
        construct: |settings| {
            let centerline = CenterlineDice::new(settings)?;
            Ok(Box::new(VesselSurface { centerline, surface: SurfaceDilation::new(settings)? }))
        },
    }
}

impl Loss for VesselSurface {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let centerline = self.centerline.value(head)?;
        if head.target.alpha() >= 1.0 {
            return Ok(centerline);
        }
        Ok(weigh(head, centerline, self.surface.value(head)))
    }
}
