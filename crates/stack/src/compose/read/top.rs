//! Networks, volumes, configs and secrets.

use indexmap::IndexMap;

use crate::compose::at::{At, Fields};
use crate::compose::model::{AddressRange, Content, FileObject, Network, Volume};
use crate::compose::problem::Reason;

pub(super) fn default_network(project: &str) -> Network {
    blank_network(format!("{project}_default"))
}

fn blank_network(name: String) -> Network {
    Network {
        name,
        external: false,
        driver: None,
        driver_opts: IndexMap::new(),
        attachable: false,
        internal: false,
        enable_ipv6: false,
        ipam_driver: None,
        ipam: Vec::new(),
        ipam_options: IndexMap::new(),
        labels: IndexMap::new(),
    }
}

/// The engine's name of something of the project, and whether it is somebody else's.
fn engine_name(project: &str, key: &str, fields: Option<&Fields<'_>>) -> (String, bool) {
    let external = fields
        .and_then(|fields| fields.flag("external"))
        .unwrap_or(false);
    let given = fields.and_then(|fields| fields.text("name"));
    let usual = if external {
        key.to_owned()
    } else {
        format!("{project}_{key}")
    };
    (given.unwrap_or(usual), external)
}

pub(super) fn network(project: &str, key: &str, at: &At<'_>) -> Option<Network> {
    if at.node.is_null() {
        return Some(blank_network(engine_name(project, key, None).0));
    }
    let fields = at.fields("networks.*")?;
    let (name, external) = engine_name(project, key, Some(&fields));
    let flag = |key| fields.flag(key).unwrap_or(false);
    let ipam = fields
        .get("ipam")
        .and_then(|at| at.fields("networks.*.ipam"));
    let ranges = ipam.as_ref().and_then(|ipam| ipam.get("config"));
    let ranges = ranges.and_then(|at| at.items()).unwrap_or_default();
    Some(Network {
        name,
        external,
        driver: fields.text("driver"),
        driver_opts: fields.text_map("driver_opts"),
        attachable: flag("attachable"),
        internal: flag("internal"),
        enable_ipv6: flag("enable_ipv6"),
        ipam_driver: ipam.as_ref().and_then(|ipam| ipam.text("driver")),
        ipam: ranges.iter().filter_map(range).collect(),
        ipam_options: ipam
            .map(|ipam| ipam.text_map("options"))
            .unwrap_or_default(),
        labels: fields.text_map("labels"),
    })
}

fn range(at: &At<'_>) -> Option<AddressRange> {
    let fields = at.fields("networks.*.ipam.config")?;
    Some(AddressRange {
        subnet: fields.text("subnet"),
        ip_range: fields.text("ip_range"),
        gateway: fields.text("gateway"),
        aux_addresses: fields.text_map("aux_addresses"),
    })
}

pub(super) fn volume(project: &str, key: &str, at: &At<'_>) -> Option<Volume> {
    let fields = if at.node.is_null() {
        None
    } else {
        Some(at.fields("volumes.*")?)
    };
    let (name, external) = engine_name(project, key, fields.as_ref());
    let map = |key| {
        fields
            .as_ref()
            .map(|fields| fields.text_map(key))
            .unwrap_or_default()
    };
    Some(Volume {
        name,
        external,
        driver: fields.as_ref().and_then(|fields| fields.text("driver")),
        driver_opts: map("driver_opts"),
        labels: map("labels"),
    })
}

pub(super) fn file_object(level: &'static str, at: &At<'_>) -> Option<FileObject> {
    let fields = at.fields(level)?;
    let given: Vec<At<'_>> = ["file", "environment", "content"]
        .into_iter()
        .filter_map(|key| fields.get(key))
        .collect();
    let [source] = given.as_slice() else {
        let hint = "say one of file, environment and content";
        return at.invalid("its content is said in no way, or in several", hint);
    };
    let content = if fields.get("file").is_some() {
        Content::File(source.path()?)
    } else if fields.get("content").is_some() {
        Content::Inline(source.any_text()?)
    } else {
        let name = source.text()?;
        let Some(value) = at.environment().get(&name) else {
            let hint = Some(format!("set {name} in the environment or in .env"));
            let message = None;
            return source.wrong(Reason::MissingVariable { name, message }, hint);
        };
        Content::Inline(value.clone())
    };
    Some(FileObject {
        span: at.span().clone(),
        content,
    })
}
