//! Surface Dice with a dilated boundary, for organs and tumours (`volumetric_sddl` of MIST).

use super::{Loss, LossEntry, Needs, Segmentation, TargetError};
use super::{dice_ce::DiceCe, surface_dilation::SurfaceDilation, weigh};
use mist_ops::Tensor;

/// `α · region + (1 − α) · surface`, the surface within a tolerance in millimetres.
pub struct VolumetricSurface {
    region: DiceCe,
    surface: SurfaceDilation,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { spacing: true, alpha: true, ..Needs::default() },
        parameters: SurfaceDilation::PARAMETERS.to_vec(),
        construct: |settings| {
            let region = DiceCe::new(settings.classes()?);
            Ok(Box::new(VolumetricSurface { region, surface: SurfaceDilation::new(settings)? }))
        },
    }
}

impl Loss for VolumetricSurface {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let region = self.region.value(head)?;
        if head.target.alpha() >= 1.0 {
            return Ok(region);
        }
        Ok(weigh(head, region, self.surface.value(head)))
    }
}
