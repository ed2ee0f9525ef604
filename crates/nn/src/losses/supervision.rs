//! Deep supervision: the same loss on auxiliary outputs of coarser levels (Lee et al. 2015).

use super::region::OneHot;
use super::{Loss, Segmentation, SegmentationError};
use crate::models::Output;
use mist_ops::{Tensor, resize_trilinear};

/// `Σ w_h · loss_h / Σ w_h` with `w_h = ½^h`, head 0 being the prediction and the others the auxiliary outputs
/// from finer to coarser; a head of another size is first resized by linear interpolation. `labels` are class indices in `[batch, axis 0, axis 1, axis 2]` order.
pub fn deep_supervision(loss: &dyn Loss, labels: &[u8], output: Output) -> Result<Tensor<1>, SegmentationError> {
    let Output { prediction, auxiliary } = output;
    let (device, size) = (prediction.device(), prediction.size());
    let truth = OneHot::new(labels, prediction.batch(), prediction.channels(), &device)?;
    let mut weight = 1.0;
    let mut total = loss.value(&Segmentation::new(&truth, prediction)?);
    let mut weights = weight;
    for head in auxiliary {
        weight *= 0.5;
        weights += weight;
        total = total + loss.value(&Segmentation::new(&truth, resize_trilinear(&head, size))?) * weight;
    }
    Ok(total / weights)
}
