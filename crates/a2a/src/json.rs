//! Small readers over untrusted JSON: a wrong type is the same as absence.

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The first of `keys` that holds something other than `null`.
pub(crate) fn field<'a>(object: &'a Object, keys: &[&str]) -> Option<&'a Value> {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .find(|value| !value.is_null())
}

/// The first of `keys` that holds a string.
pub(crate) fn text<'a>(object: &'a Object, keys: &[&str]) -> Option<&'a str> {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .find_map(Value::as_str)
}

/// The first of `keys` that holds a string with something in it, owned.
pub(crate) fn owned(object: &Object, keys: &[&str]) -> Option<String> {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .filter_map(Value::as_str)
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The first of `keys` that holds a boolean.
pub(crate) fn flag(object: &Object, keys: &[&str]) -> Option<bool> {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .find_map(Value::as_bool)
}

/// The first of `keys` that holds an object.
pub(crate) fn object<'a>(object: &'a Object, keys: &[&str]) -> Option<&'a Object> {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .find_map(Value::as_object)
}

/// The elements of the first of `keys` that holds an array; empty otherwise.
pub(crate) fn list<'a>(object: &'a Object, keys: &[&str]) -> &'a [Value] {
    keys.iter()
        .filter_map(|key| object.get(*key))
        .find_map(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The strings among the elements of `keys`.
pub(crate) fn strings(from: &Object, keys: &[&str]) -> Vec<String> {
    list(from, keys)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Puts `value` under `key` unless it is absent.
pub(crate) fn put<V: Into<Value>>(object: &mut Object, key: &str, value: Option<V>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), value.into());
    }
}
