//! Deep supervision: the same loss on auxiliary outputs of coarser levels (Lee et al. 2015).

use super::{Loss, Segmentation, Target, TargetError};
use crate::models::Output;
use mist_ops::{Tensor, resize_trilinear};

/// `Σ w_h · loss_h / Σ w_h` with `w_h = ½^h`, head 0 being the prediction and the others the auxiliary outputs
/// from finer to coarser; a head of another size is first resized by linear interpolation.
pub fn deep_supervision(loss: &dyn Loss, target: &Target, output: Output) -> Result<Tensor<1>, TargetError> {
    let mut weight = 1.0;
    let mut total = loss.value(&Segmentation::new(target, output.prediction)?)?;
    let mut weights = weight;
    for head in output.auxiliary {
        weight *= 0.5;
        weights += weight;
        total = total + loss.value(&Segmentation::new(target, resize_trilinear(&head, target.size()))?)? * weight;
    }
    Ok(total / weights)
}
