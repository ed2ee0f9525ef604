//! Changing a few values of a file and nothing else of it, as users and other programs put things of their own there.

use serde_json::Value;

/// Carries what changed between `before` and `after` over into `raw`, and touches nothing else: keys that neither
/// knows, defaults that the file leaves out, and the spelling of unchanged values stay.
pub fn carry_over(raw: &mut Value, before: &Value, after: &Value) {
    if before == after {
        return;
    }
    let (Value::Object(raw_entries), Value::Object(before), Value::Object(after)) = (&mut *raw, before, after) else {
        *raw = after.clone();
        return;
    };
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        raw_entries.shift_remove(key);
    }
    for (key, value) in after {
        match (raw_entries.get_mut(key), before.get(key)) {
            (Some(raw_value), Some(old)) => carry_over(raw_value, old, value),
            (None, Some(old)) if old == value => {}
            _ => {
                raw_entries.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn touches_only_what_changed() {
        let mut raw = json!({"mine": 1, "a": {"x": 1, "note": "kept"}, "name": "Cosine", "gone": 2});
        let before = json!({"a": {"x": 1, "y": 5}, "name": "cosine", "gone": 2, "left_out": 0});
        let after = json!({"a": {"x": 2, "y": 5}, "name": "cosine", "left_out": 0, "new": true});
        carry_over(&mut raw, &before, &after);
        let expected = r#"{"mine":1,"a":{"x":2,"note":"kept"},"name":"Cosine","new":true}"#;
        assert_eq!(raw.to_string(), expected);
    }
}
