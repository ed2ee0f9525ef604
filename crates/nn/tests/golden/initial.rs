//! Values before training: the distributions that were found in the reference's networks. Its random numbers differ.

use mist_nn::Registry;
use mist_nn::models::ModelConfig;
use mist_nn::parameters::{Init, Layout, ParameterSpec, Parameters};

/// How the tensors of a family start.
struct Rule {
    families: &'static [&'static str],
    /// Of weights, by the number of values that one output is made of; for transposed convolutions that of outputs.
    weight: fn(f64) -> Init,
    /// Of biases, by the same number of their weights.
    bias: fn(f64) -> Init,
}

fn uniform(fan: f64) -> Init {
    Init::Uniform((1.0 / fan.sqrt()) as f32)
}

const RULES: [Rule; 2] = [
    Rule {
        families: &["nnunet", "nnunet-pocket", "fmgnet", "wnet"],
        weight: |fan| Init::Normal(((2.0 / (1.0 + 0.01 * 0.01)) / fan).sqrt() as f32),
        bias: |_| Init::Constant(0.0),
    },
    Rule { families: &["mednext-small", "mednext-large", "swinunetr-small"], weight: uniform, bias: uniform },
];

/// The weight beside a bias.
fn partner<'a>(layout: &'a Layout, bias: &ParameterSpec) -> &'a ParameterSpec {
    let name = format!("{}.weight", bias.name.trim_end_matches(".bias"));
    layout.parameters.iter().find(|spec| spec.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn expected(rule: &Rule, layout: &Layout, spec: &ParameterSpec) -> Init {
    let fan = |spec: &ParameterSpec| spec.shape[1..].iter().product::<usize>() as f64;
    if spec.name.ends_with("relative_position_bias_table") {
        return Init::Normal(0.02);
    }
    if spec.shape.len() > 1 {
        return (rule.weight)(fan(spec));
    }
    if !spec.name.ends_with(".bias") {
        return Init::Constant(1.0);
    }
    match partner(layout, spec) {
        weight if weight.shape.len() > 1 => (rule.bias)(fan(weight)),
        // Of a norm.
        _ => Init::Constant(0.0),
    }
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

/// Whether the values can be a sample, within five standard errors of mean and deviation.
fn check_sample(name: &str, init: Init, values: &[f32]) {
    let count = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let deviation = (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count).sqrt();
    let expected = match init {
        Init::Constant(value) => return assert!(values.iter().all(|v| *v == value), "{name}"),
        Init::Uniform(bound) => {
            assert!(values.iter().all(|value| value.abs() <= bound), "{name}");
            f64::from(bound) / 3f64.sqrt()
        }
        Init::Normal(deviation) => f64::from(deviation),
    };
    assert!(mean.abs() < 5.0 * expected / count.sqrt(), "{name}: mean {mean}");
    assert!((deviation / expected - 1.0).abs() < 5.0 / (2.0 * count).sqrt(), "{name}: {deviation}, not {expected}");
}

#[test]
fn values_before_training_follow_the_distributions_of_the_reference() {
    let registry = Registry::builtin();
    for rule in RULES {
        for family in rule.families {
            let extra = serde_json::Map::new();
            let (patch_size, target_spacing) = ([64; 3], [1.0; 3]);
            let config = ModelConfig { in_channels: 2, out_channels: 3, patch_size, target_spacing, extra };
            let model = registry.build(family, &config).expect("a valid configuration");
            let layout = model.layout();
            let parameters = Parameters::initial(layout, 42);
            for (spec, values) in layout.parameters.iter().zip(parameters.values()) {
                let name = format!("{family} {}", spec.name);
                let expected = expected(&rule, layout, spec);
                let same = match (spec.init, expected) {
                    (Init::Normal(a), Init::Normal(b)) | (Init::Uniform(a), Init::Uniform(b)) => close(a, b),
                    (a, b) => a == b,
                };
                assert!(same, "{name}: {:?}, not {expected:?}", spec.init);
                if values.len() >= 100 || matches!(expected, Init::Constant(_)) {
                    check_sample(&name, expected, values);
                }
            }
        }
    }
}
