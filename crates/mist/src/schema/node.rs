//! The parts of a JSON Schema, in the words that the schemas here need.

use serde_json::{Map, Number, Value, json};

/// A schema in the making, for one value.
#[derive(Clone, Debug)]
pub struct Node(Map<String, Value>);

impl Node {
    /// A value of a type; `what` says what it is for.
    fn of(kind: &str, what: &str) -> Self {
        Self::untyped(what).with("type", kind)
    }

    fn untyped(what: &str) -> Self {
        let node = Self(Map::new());
        if what.is_empty() { node } else { node.with("description", what) }
    }

    fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// Any value.
    pub fn any(what: &str) -> Self {
        Self(Map::new()).with("description", what)
    }

    /// Text.
    pub fn text(what: &str) -> Self {
        Self::of("string", what)
    }

    /// True or false.
    pub fn flag(what: &str) -> Self {
        Self::of("boolean", what)
    }

    /// A whole number of at least `minimum`.
    pub fn count(minimum: i64, what: &str) -> Self {
        Self::of("integer", what).with("minimum", minimum)
    }

    /// A number.
    pub fn number(what: &str) -> Self {
        Self::of("number", what)
    }

    /// One of these, spelled exactly so.
    pub fn choice<T: Into<Value>>(known: impl IntoIterator<Item = T>, what: &str) -> Self {
        Self::untyped(what).with("enum", known.into_iter().map(Into::into).collect::<Vec<Value>>())
    }

    /// One of these words in any case. An editor offers the words as they stand.
    pub fn choice_in_any_case(known: &[&str], what: &str) -> Self {
        let letter = |letter: char| match letter.is_ascii_alphabetic() {
            true => format!("[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase()),
            false => letter.to_string(),
        };
        let words: Vec<String> = known.iter().map(|word| word.chars().map(letter).collect()).collect();
        let pattern = format!("^(?:{})$", words.join("|"));
        Self::untyped(what).with("anyOf", json!([{ "enum": known }, { "type": "string", "pattern": pattern }]))
    }

    /// One of these, or any text where there is no list.
    pub fn choice_if_listed(known: Option<&[String]>, what: &str) -> Self {
        known.map_or_else(|| Self::text(what), |known| Self::choice(known.iter().map(String::as_str), what))
    }

    /// A list of such items, with at least one.
    pub fn list(item: Self, what: &str) -> Self {
        Self::of("array", what).with("items", item).with("minItems", 1)
    }

    /// Three such items, one per axis.
    pub fn triple(item: Self, what: &str) -> Self {
        Self::list(item, what).with("minItems", 3).with("maxItems", 3)
    }

    /// An object whose keys the user chooses, each with such a value.
    pub fn named(value: Self, what: &str) -> Self {
        Self::of("object", what).with("additionalProperties", value)
    }

    /// An object with known keys.
    pub fn object(what: &str) -> Self {
        Self::of("object", what).with("properties", Map::new())
    }

    /// A further key of an object, which must be there.
    pub fn required(mut self, key: &str, value: Self) -> Self {
        let required = self.0.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(keys) = required {
            keys.push(key.into());
        }
        self.optional(key, value)
    }

    /// A further key of an object, which may be left out.
    pub fn optional(mut self, key: &str, value: Self) -> Self {
        if let Some(Value::Object(properties)) = self.0.get_mut("properties") {
            properties.insert(key.to_owned(), value.into());
        }
        self
    }

    /// No other keys: for objects in which a slip would change results. Elsewhere unknown keys are kept.
    pub fn closed(self) -> Self {
        self.with("additionalProperties", false)
    }

    /// At least one key.
    pub fn filled(self) -> Self {
        self.with("minProperties", 1)
    }

    /// Keys with a name like this (a regular expression).
    pub fn with_names(self, pattern: &str) -> Self {
        self.with("propertyNames", json!({ "pattern": pattern }))
    }

    /// None twice.
    pub fn distinct(self) -> Self {
        self.with("uniqueItems", true)
    }

    /// The first item is just this.
    pub fn starting_with(self, first: impl Into<Value>) -> Self {
        self.with("prefixItems", json!([{ "const": first.into() }]))
    }

    /// At most so many items.
    pub fn with_most(self, items: usize) -> Self {
        self.with("maxItems", items)
    }

    /// At least so many items.
    pub fn with_least(self, items: u64) -> Self {
        self.with("minItems", items)
    }

    /// What an absent key means.
    pub fn by_default(self, value: Value) -> Self {
        self.with("default", value)
    }

    /// Null alone.
    pub fn null() -> Self {
        Self::of("null", "")
    }

    /// Text or name like this (a regular expression).
    pub fn like(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }

    /// A number above this.
    pub fn above(self, limit: f64) -> Self {
        self.with("exclusiveMinimum", shortest(limit))
    }

    /// A number, this or more.
    pub fn at_least(self, limit: f64) -> Self {
        self.with("minimum", shortest(limit))
    }

    /// A number below this.
    pub fn below(self, limit: f64) -> Self {
        self.with("exclusiveMaximum", shortest(limit))
    }

    /// A number, this or less.
    pub fn at_most(self, limit: f64) -> Self {
        self.with("maximum", shortest(limit))
    }

    /// What it takes, or null.
    pub fn or_null(mut self) -> Self {
        if let Some(kind) = self.0.get("type").cloned() {
            return self.with("type", json!([kind, "null"]));
        }
        for keyword in ["enum", "anyOf"] {
            if let Some(Value::Array(alternatives)) = self.0.get_mut(keyword) {
                alternatives.push(if keyword == "enum" { Value::Null } else { json!({ "type": "null" }) });
            }
        }
        self
    }

    /// Any of several.
    pub fn any_of(alternatives: Vec<Self>, what: &str) -> Self {
        Self::untyped(what).with("anyOf", alternatives)
    }

    /// Where the first holds, the second must hold too.
    pub fn when(self, condition: Value, then: Value) -> Self {
        self.with("if", condition).with("then", then)
    }

    /// The schema of a whole file.
    pub fn into_schema(self, title: &str) -> Value {
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".to_owned(), title.into());
        schema.extend(self.0);
        Value::Object(schema)
    }
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        Self::Object(node.0)
    }
}

/// Whole numbers without a point, as one would write them.
fn shortest(limit: f64) -> Value {
    match limit.fract() == 0.0 && limit.abs() < 1e15 {
        true => Value::from(limit as i64),
        false => Number::from_f64(limit).map_or(Value::Null, Value::Number),
    }
}
