//! Runs a network with the weights of a file, and with initial weights, which it writes:
//! `logits NAME PARAMS.json WEIGHTS.pt INPUT.npy FOLDER`.
//!
//! `scripts/check_models.py` compares the logits with those of PyTorch. PARAMS.json holds `in_channels`, `out_channels`,
//! `patch_size`, `target_spacing` and what else the architecture knows; INPUT.npy is `[batch, channel, x, y, z]`. FOLDER
//! gets `given.npy` and `initial.npy`, the logits, and `initial.pt`.

use mist_nn::models::{Mode, ModelConfig};
use mist_nn::parameters::Parameters;
use mist_nn::weights::{parameters_from, read_state_dict, state_dict, write_state_dict};
use mist_nn::{FeatureMap, Registry, for_inference};
use mist_volume::npy;
use serde_json::Value;
use std::error::Error;
use std::fs::File;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, params, weights, input, folder] = arguments.as_slice() else {
        return Err("usage: logits NAME PARAMS.json WEIGHTS.pt INPUT.npy FOLDER".into());
    };
    let params: Value = serde_json::from_reader(File::open(params)?)?;
    let number = |value: &Value| value.as_f64().ok_or("a number is missing in PARAMS.json");
    let triple = |key: &str| -> Result<[f64; 3], &str> {
        Ok([number(&params[key][0])?, number(&params[key][1])?, number(&params[key][2])?])
    };
    let config = ModelConfig {
        in_channels: number(&params["in_channels"])? as usize,
        out_channels: number(&params["out_channels"])? as usize,
        patch_size: triple("patch_size")?.map(|extent| extent as usize),
        target_spacing: triple("target_spacing")?,
        extra: params.as_object().ok_or("PARAMS.json is not an object")?.clone(),
    };
    let model = Registry::builtin().build(name, &config)?;
    let (shape, image) = npy::read_f32(Path::new(input))?;
    let shape = <[usize; 5]>::try_from(shape).map_err(|_| "INPUT.npy needs five axes")?;
    let device = for_inference();
    let run = |parameters: &Parameters, file: &str| -> Result<(), Box<dyn Error>> {
        let image = FeatureMap::from_channels_first(&image, shape, &device);
        let logits = model.forward(&parameters.on(&device), &image, Mode::Inference).prediction;
        let [batch, _, a, b, c] = shape;
        let out = Path::new(folder).join(file);
        Ok(npy::write(&out, &[batch, config.out_channels, a, b, c], &logits.to_channels_first())?)
    };
    run(&parameters_from(&read_state_dict(Path::new(weights))?, model.layout())?, "given.npy")?;
    let initial = Parameters::initial(model.layout(), 1);
    run(&initial, "initial.npy")?;
    write_state_dict(File::create(Path::new(folder).join("initial.pt"))?, "initial", &state_dict(&initial)?)?;
    Ok(())
}
