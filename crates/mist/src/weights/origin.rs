//! Which architecture the tensors of a file are of.

use mist_nn::Registry;
use mist_nn::models::mednext::KERNEL_SIZES;
use mist_nn::models::plan::Plan;
use mist_nn::models::{Model, ModelConfig};
use mist_nn::weights::{StateDict, names_and_shapes};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;

/// Numbers of channels that no architecture has of itself, so that the places where they turn up are those of image
/// channels and classes.
const MARKS: [usize; 2] = [89, 97];
/// A patch that every architecture takes.
const PATCH: [usize; 3] = [128; 3];
/// Extents of a patch that allow none to five halvings.
const EXTENTS: [usize; 6] = [128, 64, 32, 16, 8, 4];
/// How much coarser an axis may be: by its kernel, not at all or on one to four levels.
const COARSER: [f64; 5] = [1.0, 3.0, 6.0, 12.0, 24.0];

/// What the tensors of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Those of one of these architectures: all names and shapes fit.
    Network(Vec<String>),
    /// Among them those of the encoder of one of these, by their names.
    Encoder(Vec<String>),
    /// Of nothing that the registry knows.
    Unknown,
}

impl Origin {
    /// Compares the tensors with the architectures of the registry.
    pub fn of(state: &StateDict, registry: &Registry) -> Self {
        let alike = encoders(state, registry);
        let undescribed = |name: &&str| registry.about(name).is_some_and(|about| about.encoder.is_empty());
        let candidates = alike.iter().copied().chain(registry.model_names().into_iter().filter(undescribed));
        let fitting: Vec<&str> = candidates.filter(|name| fits(state, name, registry)).collect();
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        match (fitting.is_empty(), alike.is_empty()) {
            (false, _) => Self::Network(owned(fitting)),
            (true, false) => Self::Encoder(owned(alike)),
            (true, true) => Self::Unknown,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(names) => f.write_str(&names.join(" or ")),
            Self::Encoder(names) => write!(f, "encoder of {}", names.join(" or ")),
            Self::Unknown => f.write_str("unknown architecture"),
        }
    }
}

/// Architectures whose encoders have tensors of these names: a family, as sizes share their names.
fn encoders<'a>(state: &StateDict, registry: &'a Registry) -> Vec<&'a str> {
    let has = |prefix: &str| state.iter().any(|(name, _)| name.starts_with(prefix));
    let alike = |name: &&str| {
        registry
            .about(name)
            .is_some_and(|about| !about.encoder.is_empty() && about.encoder.iter().all(|prefix| has(prefix)))
    };
    registry.model_names().into_iter().filter(alike).collect()
}

/// Whether there is a configuration of the architecture with just these tensors.
fn fits(state: &StateDict, name: &str, registry: &Registry) -> bool {
    let about = registry.about(name).unwrap_or_default();
    let build = |[in_channels, out_channels]: [usize; 2], (patch_size, target_spacing), extra: &Map<String, Value>| {
        let extra = extra.clone();
        registry.build(name, &ModelConfig { in_channels, out_channels, patch_size, target_spacing, extra }).ok()
    };
    let Some(channels) = build(MARKS, (PATCH, [1.0; 3]), &Map::new()).and_then(|model| channels(state, &*model)) else {
        return false;
    };
    let plans = if about.planned { plans() } else { vec![(PATCH, [1.0; 3])] };
    let kernel = |size: i64| Map::from_iter([("kernel_size".to_owned(), Value::from(size))]);
    // Only where the size of kernels matters to the architecture, others than its own are worth a look.
    let shapes = |extra: &Map<String, Value>| {
        build(channels, (PATCH, [1.0; 3]), extra).map(|model| {
            names_and_shapes(model.layout()).into_iter().map(|(_, shape)| shape.to_vec()).collect::<Vec<_>>()
        })
    };
    let own = Map::new();
    let mut extras = vec![own.clone()];
    extras.extend(KERNEL_SIZES.map(kernel).into_iter().filter(|extra| shapes(extra) != shapes(&own)));
    let same = |model: Box<dyn Model>| state.check_against(&names_and_shapes(model.layout())).is_ok();
    extras.iter().any(|extra| plans.iter().any(|plan| build(channels, *plan, extra).is_some_and(same)))
}

/// Image channels and classes, from the places where the marks stand in `model`.
fn channels(state: &StateDict, model: &dyn Model) -> Option<[usize; 2]> {
    let tensors = names_and_shapes(model.layout());
    let find = |mark: usize| {
        tensors.iter().find_map(|(name, shape)| {
            let axis = shape.iter().position(|size| *size == mark)?;
            state.get(name)?.shape().get(axis).copied()
        })
    };
    Some([find(MARKS[0])?, find(MARKS[1])?])
}

/// Patches and spacings with all kinds of strides and kernels, up to one coarse axis, the usual ones first.
fn plans() -> Vec<([usize; 3], [f64; 3])> {
    let mut seen = HashSet::new();
    let mut plans = Vec::new();
    for coarser in COARSER {
        for axis in 0..3 {
            let mut spacing = [1.0; 3];
            spacing[axis] = coarser;
            for (x, y, z) in EXTENTS.iter().flat_map(|x| EXTENTS.iter().flat_map(move |y| EXTENTS.map(|z| (*x, *y, z))))
            {
                let Plan { kernels, strides } = Plan::new([x, y, z], spacing);
                if seen.insert((kernels, strides)) {
                    plans.push(([x, y, z], spacing));
                }
            }
        }
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_nn::parameters::Parameters;
    use mist_nn::weights::{Tensor, read_state_dict, state_dict};
    use std::path::Path;

    fn weights(name: &str, kernel_size: Option<i64>) -> StateDict {
        let extra = kernel_size.map(|size| ("kernel_size".to_owned(), Value::from(size))).into_iter().collect();
        let (patch_size, target_spacing) = ([64, 32, 96], [1.0, 1.0, 2.5]);
        let config = ModelConfig { in_channels: 4, out_channels: 3, patch_size, target_spacing, extra };
        let model = Registry::builtin().build(name, &config).unwrap();
        state_dict(&Parameters::initial(model.layout(), 1)).unwrap()
    }

    #[test]
    fn networks_are_told_by_all_names_and_shapes() {
        let of = |state: &StateDict| Origin::of(state, &Registry::builtin());
        let pocket = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights/pocket_hashed.pt");
        assert_eq!(of(&read_state_dict(&pocket).unwrap()), Origin::Network(vec!["nnunet-pocket".into()]));
        assert_eq!(of(&weights("nnunet-pocket", None)), Origin::Network(vec!["nnunet-pocket".into()]));
        assert_eq!(of(&weights("mednext-small", Some(5))), Origin::Network(vec!["mednext-small".into()]));
    }

    #[test]
    fn an_encoder_with_something_else_is_called_an_encoder() {
        let mut state = weights("nnunet-pocket", None);
        state.insert("a.further.head", Tensor::scalar(1.0));
        let origin = Origin::of(&state, &Registry::builtin());
        assert_eq!(origin.to_string(), "encoder of nnunet or nnunet-pocket");
        let other = StateDict::from_iter([("w".to_owned(), Tensor::scalar(1.0))]);
        assert_eq!(Origin::of(&other, &Registry::builtin()), Origin::Unknown);
    }
}
