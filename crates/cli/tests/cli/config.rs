//! `mist schema`.

use crate::shell::Shell;
use serde_json::Value;

#[test]
fn schemas_are_printed() {
    let shell = Shell::new();
    let parsed = |line: &str| -> Value {
        let text = shell.mist(line).exits(0).stdout();
        serde_json::from_str(&text).expect("JSON and nothing else")
    };
    for (file, key) in [("config", "training"), ("dataset", "train-data")] {
        let schema = parsed(&format!("schema {file}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema["properties"][key]["description"].is_string(), "{schema}");
    }
    let names = &parsed("schema config")["properties"]["model"]["properties"]["architecture"]["enum"];
    assert!(names.as_array().expect("a list").contains(&"swinunetr-small".into()), "{names}");
    shell.mist("schema").exits(2).stderr_has("<FILE>");
    shell.mist("schema results").exits(2).stderr_has("dataset, config");
}
