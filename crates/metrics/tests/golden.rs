//! Metrics, surfaces and area tables against those of the reference.

mod golden_files;

use golden_files::{assert_close, doubles, json, mask, number, triple};
use mist_metrics::Comparison;
use mist_metrics::metric::{self, Direction, Settings, Worst};
use mist_metrics::surface::areas;
use mist_volume::distance::Lattice;

fn spacing(value: &serde_json::Value) -> [f64; 3] {
    triple(value.as_array().unwrap().iter().map(number).collect())
}

fn comparison(case: &str, spacing: [f64; 3]) -> Comparison {
    let (size, truth) = mask(&format!("cases/{case}_truth.npy"));
    let (_, prediction) = mask(&format!("cases/{case}_pred.npy"));
    Comparison::new(&truth, &prediction, Lattice::new(size, spacing).unwrap()).unwrap()
}

#[test]
fn every_case_has_the_reference_values() {
    let mut compared = 0;
    for (case, expected) in json("expected.json").as_object().unwrap() {
        let comparison = comparison(case, spacing(&expected["spacing"]));
        assert_close(comparison.image_diagonal(), number(&expected["full_diagonal"]), case);
        let both_present = comparison.truth_voxels() > 0 && comparison.prediction_voxels() > 0;
        for result in expected["results"].as_array().unwrap() {
            let name = result["metric"].as_str().unwrap();
            let metric = metric::find(name).unwrap_or_else(|| panic!("no metric {name}"));
            if result["params"]["dilation_iters"] == 0 {
                // The reference dilates without end; here 0 means that lesions are not dilated.
                continue;
            }
            let parameters = result["params"].as_object().unwrap();
            let settings = Settings::new(parameters.iter().map(|(key, value)| (key.clone(), number(value))));
            let what = format!("{case}, {name} {}", result["params"]);
            let score = metric.score(&comparison, &settings);
            assert_close(score.value, number(&result["evaluator"]), &what);
            assert_eq!(score.note.is_some(), result["message"].as_bool().unwrap(), "{what}");
            // The reference's bare lesion-wise metrics see another crop.
            if both_present && !name.starts_with("lesion") {
                assert_close((metric.compute)(&comparison, &settings), number(&result["direct"]), &what);
            }
            compared += 1;
        }
    }
    assert!(compared >= 23 * 17, "only {compared} values were compared");
}

#[test]
fn surfaces_have_the_reference_size_and_area() {
    let mut compared = 0;
    for (case, expected) in json("expected.json").as_object().unwrap() {
        let surface = &expected["surface"];
        if !surface.is_object() {
            continue;
        }
        let comparison = comparison(case, spacing(&expected["spacing"]));
        let found = comparison.surfaces();
        for (side, to, found) in [("gt", "gt_to_pred", &found.truth), ("pred", "pred_to_gt", &found.prediction)] {
            assert_eq!(surface[format!("n_{side}")], found.areas().len(), "{case}");
            assert_close(found.area(), number(&surface[format!("area_{side}")]), case);
            assert_close(*found.distances().last().unwrap(), number(&surface[format!("max_{to}")]), case);
            compared += 1;
        }
    }
    assert!(compared >= 30, "only {compared} surfaces were compared");
}

#[test]
fn sorted_elements_are_those_of_the_reference() {
    let cases = json("cases.json");
    for case in ["ellipsoids_aniso", "noise", "single_far", "touch_border"] {
        let entry = cases.as_array().unwrap().iter().find(|entry| entry["name"] == case).unwrap();
        let comparison = comparison(case, spacing(&entry["spacing"]));
        let found = comparison.surfaces();
        for (direction, side, found) in [("gt_to_pred", "gt", &found.truth), ("pred_to_gt", "pred", &found.prediction)]
        {
            let distances = doubles(&format!("surface/{case}_distances_{direction}.npy"));
            let areas = doubles(&format!("surface/{case}_surfel_areas_{side}.npy"));
            // Sites at the same distance by different steps may differ in the last bit, and we take the smaller.
            assert_eq!(found.distances().len(), distances.len());
            for (found, expected) in found.distances().iter().zip(distances) {
                assert_close(*found, expected, case);
            }
            assert_eq!(found.areas().len(), areas.len());
            for (found, expected) in found.areas().iter().zip(areas) {
                assert_close(*found, expected, case);
            }
        }
    }
}

#[test]
fn the_fourteen_classes_give_the_whole_table() {
    let expected: Vec<Vec<areas::Normal>> = serde_json::from_value(json("neighbour_code_normals_x8.json")).unwrap();
    for (code, (found, expected)) in areas::normals().iter().zip(expected).enumerate() {
        let sorted = |normals: &[areas::Normal]| {
            let mut normals: Vec<_> = normals.iter().filter(|normal| **normal != [0; 3]).copied().collect();
            normals.sort_unstable();
            normals
        };
        assert_eq!(sorted(found), sorted(&expected), "code {code}");
    }
}

#[test]
fn areas_depend_on_the_spacing_as_in_the_reference() {
    for (spacing, expected) in json("surface_area_tables.json").as_object().unwrap() {
        let spacing = triple(spacing.split('x').map(|step| step.parse().unwrap()).collect());
        for (code, (found, expected)) in areas::of_codes(spacing).iter().zip(expected.as_array().unwrap()).enumerate() {
            assert_close(*found, number(expected), &format!("code {code} at {spacing:?}"));
        }
    }
}

#[test]
fn metrics_know_their_best_and_worst_values() {
    let registry = json("registry.json");
    for name in metric::names() {
        let metric = metric::find(name).unwrap();
        assert_eq!(metric.best, number(&registry[name]["best"]), "{name}");
        match metric.worst {
            Worst::Value(worst) => assert_eq!(worst, number(&registry[name]["worst"]), "{name}"),
            Worst::ImageDiagonal => assert_eq!(number(&registry[name]["worst"]), f64::INFINITY, "{name}"),
        }
        let higher = metric.best == 1.0;
        assert_eq!(metric.direction == Direction::Higher, higher, "{name}");
    }
}
