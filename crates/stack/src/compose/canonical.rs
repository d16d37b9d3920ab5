//! Brings the short forms that the specification allows to one form, so that files can be merged key by key. What fits
//! no form is left as it is: the reader says what is wrong with it.

use super::span::Span;
use super::yaml::{Entry, Mapping, Node, Value};

pub(super) fn document(document: &mut Node) {
    let Some(top) = document.as_mapping_mut() else {
        return;
    };
    for (key, entry) in top {
        let each: fn(&mut Node) = match key.as_str() {
            "services" => service,
            "networks" | "volumes" => |node| field(node, "labels", to_mapping),
            _ => continue,
        };
        if let Some(named) = entry.node.as_mapping_mut() {
            named.values_mut().for_each(|entry| each(&mut entry.node));
        }
    }
}

fn service(node: &mut Node) {
    for key in ["environment", "labels", "annotations", "sysctls"] {
        field(node, key, to_mapping);
    }
    for key in ["dns", "dns_search", "tmpfs", "env_file", "profiles"] {
        field(node, key, to_sequence);
    }
    field(node, "extra_hosts", hosts);
    field(node, "networks", names);
    field(node, "depends_on", dependencies);
    field(node, "extends", |node| wrap(node, "service"));
    field(node, "build", |node| {
        wrap(node, "context");
        for key in ["args", "labels"] {
            field(node, key, to_mapping);
        }
    });
}

fn field(node: &mut Node, key: &str, change: impl FnOnce(&mut Node)) {
    if let Some(entry) = node
        .as_mapping_mut()
        .and_then(|mapping| mapping.get_mut(key))
    {
        change(&mut entry.node);
    }
}

/// `- NAME=value` becomes `NAME: value`; a name alone has no value.
fn to_mapping(node: &mut Node) {
    split_items(node, |text| {
        text.split_once('=')
            .map_or((text, None), |(name, value)| (name, Some(value)))
    });
}

/// `- name=address` and `- name:address` become `name: [address]`.
fn hosts(node: &mut Node) {
    split_items(node, |text| {
        text.split_once(['=', ':'])
            .map_or((text, None), |(name, value)| (name, Some(value)))
    });
    if let Value::Mapping(mapping) = &mut node.value {
        mapping
            .values_mut()
            .for_each(|entry| to_sequence(&mut entry.node));
    }
}

fn split_items(node: &mut Node, split: impl Fn(&str) -> (&str, Option<&str>)) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    let mut mapping = Mapping::new();
    for item in items {
        let Some(scalar) = item.as_scalar() else {
            return;
        };
        let (name, value) = split(&scalar.text);
        let node = value.map_or_else(
            || Node::null(item.span.clone()),
            |value| Node::text(item.span.clone(), value),
        );
        let entry = Entry {
            key: item.span.clone(),
            node,
        };
        mapping.insert(name.trim().to_owned(), entry);
    }
    node.value = Value::Mapping(mapping);
}

fn to_sequence(node: &mut Node) {
    if matches!(node.value, Value::Scalar(_)) && !node.is_null() {
        let item = Node::new(node.span.clone(), node.value.clone());
        node.value = Value::Sequence(vec![item]);
    }
}

/// A scalar becomes `{key: scalar}`.
fn wrap(node: &mut Node, key: &str) {
    if matches!(node.value, Value::Scalar(_)) && !node.is_null() {
        let inner = Node::new(node.span.clone(), node.value.clone());
        node.value = Value::Mapping(single(key, node.span.clone(), inner));
    }
}

/// A list of names becomes a mapping of names to nothing.
fn names(node: &mut Node) {
    named(node, |span| Node::null(span.clone()));
}

fn dependencies(node: &mut Node) {
    named(node, |span| {
        let condition = Node::text(span.clone(), "service_started");
        let mapping = single("condition", span.clone(), condition);
        Node::new(span.clone(), Value::Mapping(mapping))
    });
}

fn named(node: &mut Node, value: impl Fn(&Span) -> Node) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    let mut mapping = Mapping::new();
    for item in items {
        let Some(name) = item.as_text() else { return };
        let entry = Entry {
            key: item.span.clone(),
            node: value(&item.span),
        };
        mapping.insert(name.to_owned(), entry);
    }
    node.value = Value::Mapping(mapping);
}

fn single(key: &str, span: Span, node: Node) -> Mapping {
    Mapping::from([(key.to_owned(), Entry { key: span, node })])
}
