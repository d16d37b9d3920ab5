//! Merges one file over another by the specification's rules: mappings key by key, lists by what makes their entries
//! the same thing, commands as a whole.

use super::read;
use super::yaml::{Mark, Node, Value};

/// Merges `over` into `base`, both in canonical form.
pub(super) fn merge(base: Node, over: Node) -> Node {
    merge_at(base, over, &mut Vec::new())
}

/// Merges two descriptions of one service: `extends`.
pub(super) fn merge_service(base: Node, over: Node) -> Node {
    let mut path = vec!["services".to_owned(), "*".to_owned()];
    merge_at(base, over, &mut path)
}

/// Takes away what `!reset` marks where there is nothing to remove.
pub(super) fn settle(node: &mut Node) {
    node.mark = Mark::Merge;
    match &mut node.value {
        Value::Mapping(mapping) => {
            mapping.retain(|_, entry| entry.node.mark != Mark::Reset);
            mapping
                .values_mut()
                .for_each(|entry| settle(&mut entry.node));
        }
        Value::Sequence(items) => {
            items.retain(|item| item.mark != Mark::Reset);
            items.iter_mut().for_each(settle);
        }
        Value::Scalar(_) => {}
    }
}

fn merge_at(base: Node, mut over: Node, path: &mut Vec<String>) -> Node {
    if over.mark == Mark::Override || (replaces(path) && !over.is_null()) {
        settle(&mut over);
        return over;
    }
    match (base.value, over.value) {
        (Value::Mapping(mut mapping), Value::Mapping(others)) => {
            let drivers = [&mapping, &others].map(|side| {
                side.get("driver")
                    .and_then(|entry| entry.node.as_text().map(str::to_owned))
            });
            let [before, after] = drivers;
            if path.last().is_some_and(|key| key == "logging") && after.is_some() && before != after
            {
                // The options of one driver mean nothing to another.
                mapping.shift_remove("options");
            }
            for (key, mut entry) in others {
                if entry.node.mark == Mark::Reset {
                    mapping.shift_remove(&key);
                    continue;
                }
                path.push(key.clone());
                if let Some(existing) = mapping.get_mut(&key) {
                    let before =
                        std::mem::replace(&mut existing.node, Node::null(entry.node.span.clone()));
                    existing.key = entry.key;
                    existing.node = merge_at(before, entry.node, path);
                } else {
                    settle(&mut entry.node);
                    mapping.insert(key, entry);
                }
                path.pop();
            }
            Node::new(over.span, Value::Mapping(mapping))
        }
        (Value::Sequence(items), Value::Sequence(others)) => {
            let merged = merge_items(items, others, path);
            Node::new(over.span, Value::Sequence(merged))
        }
        (before, after) => {
            let over = Node {
                span: over.span,
                mark: Mark::Merge,
                value: after,
            };
            // Nothing said is nothing changed, but a variable without a value is one to be taken over.
            if over.is_null() && !is_assignment(path) {
                return Node::new(base.span, before);
            }
            over
        }
    }
}

fn matches(path: &[String], pattern: &str) -> bool {
    let mut parts = pattern.split('.');
    let fits = path
        .iter()
        .all(|key| parts.next().is_some_and(|part| part == "*" || part == key));
    fits && parts.next().is_none()
}

fn replaces(path: &[String]) -> bool {
    [
        "services.*.command",
        "services.*.entrypoint",
        "services.*.healthcheck.test",
        "services.*.ulimits.*",
    ]
    .iter()
    .any(|pattern| matches(path, pattern))
}

fn is_assignment(path: &[String]) -> bool {
    [
        "services.*.environment.*",
        "services.*.labels.*",
        "services.*.build.args.*",
    ]
    .iter()
    .any(|pattern| matches(path, pattern))
}

/// What makes an entry of a list the same thing as one of an earlier file; none when only its text does.
fn identity(item: &Node, path: &[String]) -> Option<String> {
    if matches(path, "services.*.ports") {
        return read::ports::identity(item);
    }
    if matches(path, "services.*.volumes") {
        return read::mounts::target_of(item);
    }
    if matches(path, "services.*.secrets") || matches(path, "services.*.configs") {
        let source = item.as_text().or_else(|| item.get("source")?.as_text());
        let target = item.get("target").and_then(Node::as_text).or(source);
        return target.map(str::to_owned);
    }
    if matches(path, "services.*.devices") {
        let text = item.as_text()?;
        return text.split(':').nth(1).or(Some(text)).map(str::to_owned);
    }
    if matches(path, "services.*.env_file") {
        let file = item.as_text().or_else(|| item.get("path")?.as_text());
        return file.map(str::to_owned);
    }
    if matches(path, "services.*.tmpfs") {
        return item
            .as_text()
            .map(|text| text.split(':').next().unwrap_or(text).to_owned());
    }
    if matches(path, "networks.*.ipam.config") {
        return item.get("subnet")?.as_text().map(str::to_owned);
    }
    item.as_text().map(str::to_owned)
}

fn merge_items(mut items: Vec<Node>, others: Vec<Node>, path: &[String]) -> Vec<Node> {
    for mut other in others {
        let wanted = identity(&other, path);
        let same = items
            .iter()
            .position(|item| wanted.is_some() && identity(item, path) == wanted);
        match (same, other.mark) {
            (Some(index), Mark::Reset) => {
                items.remove(index);
            }
            (None, Mark::Reset) => {}
            (Some(index), _) => {
                settle(&mut other);
                if let Some(item) = items.get_mut(index) {
                    *item = other;
                }
            }
            (None, _) => {
                settle(&mut other);
                items.push(other);
            }
        }
    }
    items
}
