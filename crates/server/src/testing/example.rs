//! A document that a schema allows.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// How deep a schema that names itself is followed.
const DEEPEST: usize = 12;

/// The smallest document of `T`: what is required, and nothing else.
pub fn example_of<T: JsonSchema>() -> Value {
    make::<T>(false)
}

/// A document of `T` with every field filled in.
pub fn filled_example_of<T: JsonSchema>() -> Value {
    make::<T>(true)
}

fn make<T: JsonSchema>(filled: bool) -> Value {
    let schema = SchemaGenerator::default()
        .into_root_schema_for::<T>()
        .to_value();
    Maker {
        root: &schema,
        filled,
    }
    .example(&schema, 0)
}

struct Maker<'a> {
    root: &'a Value,
    filled: bool,
}

impl Maker<'_> {
    fn example(&self, schema: &Value, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(reference.trim_start_matches('#'));
            return target.map_or(Value::Null, |target| self.example(target, depth + 1));
        }
        if let Some(word) = schema.get("const") {
            return word.clone();
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return first.clone();
        }
        let mut base = match kind(schema) {
            Some("object") => self.object(schema, depth),
            Some("array") if self.filled => {
                let item = schema.get("items").unwrap_or(&Value::Null);
                json!([self.example(item, depth + 1)])
            }
            Some("array") => json!([]),
            Some("string") => json!("example"),
            Some("integer") => json!(1),
            Some("number") => json!(0.5),
            Some("boolean") => json!(true),
            _ => Value::Null,
        };
        for keyword in ["oneOf", "anyOf"] {
            if let Some(first) = schema.pointer(&format!("/{keyword}/0")) {
                merge(&mut base, self.example(first, depth + 1));
            }
        }
        base
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let required = |name: &str| {
            schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|required| required.iter().any(|field| field == name))
        };
        let mut object: Map<String, Value> = properties
            .iter()
            .filter(|(name, _)| self.filled || required(name))
            .map(|(name, schema)| (name.clone(), self.example(schema, depth + 1)))
            .collect();
        if self.filled
            && let Some(values @ Value::Object(_)) = schema.get("additionalProperties")
        {
            object.insert("KEY".to_owned(), self.example(values, depth + 1));
        }
        Value::Object(object)
    }
}

fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.first()?.as_str(),
        _ => None,
    }
}

fn merge(base: &mut Value, other: Value) {
    match (base, other) {
        (Value::Object(base), Value::Object(other)) => base.extend(other),
        (base, other) => *base = other,
    }
}
