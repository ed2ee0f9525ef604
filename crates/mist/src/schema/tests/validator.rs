//! Enough of JSON Schema for the schemas of this program. A keyword that it does not know is an error: a schema must not
//! pass because half of it was not looked at.

use serde_json::Value;

const ANNOTATIONS: [&str; 4] = ["$schema", "title", "description", "default"];

/// Whether the schema takes the value; otherwise the place and the keyword that do not.
pub fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    at("", schema, value)
}

fn at(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    match schema {
        Value::Bool(true) => Ok(()),
        Value::Bool(false) => Err(format!("{path}: no such key is allowed")),
        _ => {
            for (keyword, rule) in schema.as_object().expect("a schema") {
                if !ANNOTATIONS.contains(&keyword.as_str()) && !holds(path, schema, keyword, rule, value)? {
                    return Err(format!("{path}: {keyword} {rule}, not {value}"));
                }
            }
            Ok(())
        }
    }
}

/// Whether one rule holds; an error where one inside it does not.
fn holds(path: &str, schema: &Value, keyword: &str, rule: &Value, value: &Value) -> Result<bool, String> {
    let number =
        |compare: fn(f64, f64) -> bool| value.as_f64().is_none_or(|value| compare(value, rule.as_f64().unwrap()));
    let limit = || rule.as_u64().unwrap() as usize;
    let list = value.as_array();
    let object = value.as_object();
    Ok(match keyword {
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
            kind => is(kind, value),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "minimum" => number(|value, limit| value >= limit),
        "maximum" => number(|value, limit| value <= limit),
        "exclusiveMinimum" => number(|value, limit| value > limit),
        "exclusiveMaximum" => number(|value, limit| value < limit),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "minItems" => list.is_none_or(|list| list.len() >= limit()),
        "maxItems" => list.is_none_or(|list| list.len() <= limit()),
        "minProperties" => object.is_none_or(|object| object.len() >= limit()),
        "uniqueItems" => list.is_none_or(|list| (1..list.len()).all(|index| !list[..index].contains(&list[index]))),
        "required" => object
            .is_none_or(|object| rule.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))),
        "anyOf" => rule.as_array().unwrap().iter().any(|schema| at(path, schema, value).is_ok()),
        "if" => {
            if at(path, rule, value).is_ok() {
                at(path, &schema["then"], value)?;
            }
            true
        }
        "then" => true,
        "prefixItems" => {
            for (rule, item) in rule.as_array().unwrap().iter().zip(list.into_iter().flatten()) {
                at(&format!("{path}[]"), rule, item)?;
            }
            true
        }
        "items" => {
            let first = schema["prefixItems"].as_array().map_or(0, Vec::len);
            for (index, item) in list.into_iter().flatten().enumerate().skip(first) {
                at(&format!("{path}[{index}]"), rule, item)?;
            }
            true
        }
        "properties" => {
            for (key, rule) in rule.as_object().unwrap() {
                if let Some(value) = object.and_then(|object| object.get(key)) {
                    at(&format!("{path}.{key}"), rule, value)?;
                }
            }
            true
        }
        "additionalProperties" => {
            for (key, value) in object.into_iter().flatten().filter(|(key, _)| schema["properties"].get(key).is_none())
            {
                at(&format!("{path}.{key}"), rule, value)?;
            }
            true
        }
        "propertyNames" => {
            for key in object.into_iter().flatten().map(|(key, _)| key) {
                at(&format!("{path}.{key}"), rule, &Value::String(key.clone()))?;
            }
            true
        }
        other => panic!("{path}: the keyword `{other}` is not known to this test"),
    })
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|value| value.fract() == 0.0),
        "null" => value.is_null(),
        other => panic!("no such type: {other}"),
    }
}

/// The few forms of patterns that are in use.
fn matches(pattern: &str, text: &str) -> bool {
    let filled = text.chars().any(|letter| !letter.is_whitespace());
    if pattern == "." {
        return !text.is_empty();
    }
    if let Some(words) = pattern.strip_prefix("^(?!(?:").and_then(|rest| rest.strip_suffix(")$)(?=.*\\S)")) {
        return filled && !words.split('|').any(|word| word == text);
    }
    if let Some(forbidden) = pattern.strip_prefix("^(?=.*\\S)[^").and_then(|rest| rest.strip_suffix("]*$")) {
        return filled && !text.contains(|letter| forbidden.contains(letter));
    }
    let words = pattern.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$"));
    let words = words.or_else(|| pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')));
    // `[aA]` stands for a letter in any case: the first of each three characters between brackets.
    let plain = |word: &str| word.replace(['[', ']'], "").to_ascii_lowercase();
    let doubled = |text: &str| {
        text.chars()
            .flat_map(|letter| if letter.is_alphabetic() { vec![letter; 2] } else { vec![letter] })
            .collect::<String>()
    };
    words.expect(pattern).split('|').any(|word| plain(word) == doubled(&text.to_ascii_lowercase()))
}
