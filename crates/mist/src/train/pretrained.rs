//! Weights of another run as the start of this one.

use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::text::plural;
use crate::{checksum, network, weights};
use mist_nn::parameters::Parameters;
use mist_nn::transfer::{ChannelStrategy, Outcome, Scope, Transferred, Unused, transfer};
use mist_nn::weights::StateDict;
use mist_nn::{About, Registry};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pretrained {
    /// File with weights.
    pub weights: PathBuf,
    /// The configuration that they were trained with.
    pub config: PathBuf,
    /// What is done where the numbers of image channels differ.
    pub strategy: ChannelStrategy,
    /// Which tensors are taken over.
    pub scope: Scope,
}

/// Weights that have been read and belong to the same architecture.
pub struct Start {
    asked: Pretrained,
    source: StateDict,
    about: About,
    /// What they do to the network of this run.
    effect: Transferred,
}

impl Pretrained {
    /// Reads the weights and checks that they can serve the network of `config`: the same architecture and, where its
    /// tensors depend on them, the same patch size and spacing.
    pub fn load(&self, config: &Config, registry: &Registry) -> Result<Start> {
        // Its loss may be one of another program.
        let source = Config::load(&self.config, &Choices::of_networks(registry))?;
        let differs = |what: &str, theirs: String, ours: String| {
            Err(Error::new("the pretrained weights are those of another network")
                .at(&self.config)
                .because(format!("{what} there is {theirs}, here {ours}"))
                .hint("choose the same with --model and --patch-size, or other weights"))
        };
        let (theirs, ours) = (&source.model, &config.model);
        if theirs.architecture != ours.architecture {
            return differs("model.architecture", theirs.architecture.clone(), ours.architecture.clone());
        }
        let about = registry.about(&ours.architecture).unwrap_or_default();
        let (there, here) = (&source.spatial_config, &config.spatial_config);
        if about.planned && there.patch_size != here.patch_size {
            let text = |size: [usize; 3]| format!("{size:?}");
            return differs("spatial_config.patch_size", text(there.patch_size), text(here.patch_size));
        }
        if about.planned && there.target_spacing != here.target_spacing {
            let text = |spacing: [f64; 3]| format!("{spacing:?}");
            return differs("spatial_config.target_spacing", text(there.target_spacing), text(here.target_spacing));
        }
        if self.scope == Scope::Encoder && about.encoder.is_empty() {
            return Err(Error::usage(format!("nothing is known of an encoder of {}", ours.architecture))
                .hint("give --pretrained-scope all"));
        }
        let source = weights::read_finite(&self.weights)?;
        let mut start = Start { asked: self.clone(), source, about, effect: Transferred::default() };
        let mut trial = Parameters::initial(network::build(config, registry)?.layout(), config.training.seed);
        start.effect = start.apply(&mut trial);
        if start.effect.values == 0 {
            return Err(Error::new("the pretrained weights have no tensor that this network could take over")
                .at(&self.weights)
                .hint("`mist weights inspect` lists what is in the file"));
        }
        Ok(start)
    }
}

impl Start {
    /// Replaces initial weights by those that were read, where they fit.
    pub fn apply(&self, parameters: &mut Parameters) -> Transferred {
        transfer(parameters, &self.source, &self.about, self.asked.scope, self.asked.strategy)
    }

    /// For the record of a call.
    pub fn record(&self) -> Result<Value> {
        Ok(json!({
            "weights": self.asked.weights,
            "weights_sha256": checksum::sha256(&self.asked.weights)?,
            "config": self.asked.config,
            "scope": format!("{:?}", self.asked.scope).to_lowercase(),
            "input_channel_strategy": format!("{:?}", self.asked.strategy).to_lowercase(),
        }))
    }

    /// Says what is taken over, and which tensors are not and why.
    pub fn describe(&self, console: &dyn Console) {
        let effect = &self.effect;
        let loaded = effect.count(|outcome| *outcome == Outcome::Loaded);
        let adapted = effect.count(|outcome| *outcome == Outcome::Adapted);
        let skipped = effect.tensors.len() - loaded - adapted;
        let beyond = match effect.beyond {
            0 => String::new(),
            count => format!("; {count} of the network beyond the encoder start anew"),
        };
        console.info(&format!(
            "Starts from {}: {} loaded, {adapted} adapted, {skipped} skipped{beyond}; {} of the file not used",
            self.asked.weights.display(),
            plural(loaded, "tensor"),
            effect.unused.len(),
        ));
        for (name, outcome) in &effect.tensors {
            match outcome {
                Outcome::Loaded => {}
                Outcome::Adapted => console.info(&format!("  {name}: adapted to another number of channels")),
                Outcome::Skipped(why) => console.info(&format!("  {name}: skipped, {why}")),
            }
        }
    }

    /// Writes what became of every tensor, `logs/pretrained.csv`.
    pub fn write_table(&self, results: &Path) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Error::new("cannot write the table").because(error);
        table.write_record(["tensor", "outcome", "reason"]).map_err(failed)?;
        for (name, outcome) in &self.effect.tensors {
            let (word, why) = match outcome {
                Outcome::Loaded => ("loaded", ""),
                Outcome::Adapted => ("adapted", "another number of channels"),
                Outcome::Skipped(why) => ("skipped", why.as_str()),
            };
            table.write_record([name, word, why]).map_err(failed)?;
        }
        for (name, why) in &self.effect.unused {
            let why = match why {
                Unused::BeyondScope => "beyond the encoder",
                Unused::NotInNetwork => "not in the network",
            };
            table.write_record([name, "unused", why]).map_err(failed)?;
        }
        let bytes = table.into_inner().map_err(|error| Error::new(error.to_string()))?;
        write_atomically(&results.join("logs").join("pretrained.csv"), &bytes)
    }
}
