//! What is mounted: `[SOURCE:]TARGET[:OPTIONS]` and the long form.

use std::path::Path;

use crate::compose::at::{At, Fields};
use crate::compose::model::{Mount, MountSource};
use crate::compose::span::Spanned;
use crate::compose::yaml::Node;

const LEVEL: &str = "services.*.volumes";
const FORM: &str = "write [SOURCE:]TARGET[:OPTIONS], e.g. ./data:/data:ro";
const PROPAGATIONS: [&str; 6] = [
    "shared", "slave", "private", "rshared", "rslave", "rprivate",
];

pub(super) fn read(at: &At<'_>) -> Option<Spanned<Mount>> {
    let mount = if at.node.as_mapping().is_some() {
        long(at)?
    } else {
        short(at)?
    };
    if !mount.target.starts_with('/') {
        let text = format!("`{}` is no absolute path in the container", mount.target);
        return at.invalid(text, FORM);
    }
    Some(at.spanned(mount))
}

/// Where an entry is mounted: what makes two entries the same.
pub(in crate::compose) fn target_of(item: &Node) -> Option<String> {
    let target = match item.get("target") {
        Some(target) => target.as_text()?,
        None => split(item.as_text()?).1,
    };
    Some(target.trim_end_matches('/').to_owned())
}

/// Source, target and options. The colon of a Windows drive separates nothing.
fn split(text: &str) -> (Option<&str>, &str, Option<&str>) {
    let letter = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let drive = letter
        && text.get(1..).is_some_and(|rest| {
            // `v:/data` is a volume of one letter, `c:/data:/data` is a folder.
            rest.starts_with(":\\") || (rest.starts_with(":/") && rest.matches(":/").count() > 1)
        });
    let from = if drive { 2 } else { 0 };
    let colon = text.get(from..).and_then(|rest| rest.find(':'));
    match colon.and_then(|colon| text.split_at_checked(from + colon)) {
        None => (None, text, None),
        Some((source, rest)) => {
            let rest = rest.get(1..).unwrap_or_default();
            match rest.rsplit_once(':') {
                Some((target, options)) => (Some(source), target, Some(options)),
                // Two parts: the second is options when it is no path.
                None if !rest.starts_with('/') && source.starts_with('/') && known(rest) => {
                    (None, source, Some(rest))
                }
                None => (Some(source), rest, None),
            }
        }
    }
}

fn known(options: &str) -> bool {
    options
        .split(',')
        .all(|option| matches!(option, "ro" | "rw" | "z" | "Z" | "nocopy"))
}

fn short(at: &At<'_>) -> Option<Mount> {
    let text = at.text()?;
    let (source, target, options) = split(&text);
    let (mut read_only, mut nocopy, mut selinux, mut propagation) = (false, false, None, None);
    for option in options.unwrap_or_default().split(',') {
        match option {
            "ro" => read_only = true,
            "nocopy" => nocopy = true,
            "z" | "Z" => selinux = Some(option.to_owned()),
            // The last three concern Docker Desktop of years ago, and change nothing.
            "" | "rw" | "cached" | "delegated" | "consistent" => {}
            _ if PROPAGATIONS.contains(&option) => propagation = Some(option.to_owned()),
            _ => return at.invalid(format!("`{option}` is no option of a mount"), FORM),
        }
    }
    let is_path = |source: &str| {
        source.starts_with(['.', '/', '~'])
            || source.contains('\\')
            || Path::new(source).is_absolute()
    };
    let source = match source {
        Some(source) if is_path(source) => MountSource::Bind {
            path: at.resolve(source),
            create: true,
            propagation,
            selinux,
        },
        name => MountSource::Volume {
            name: name.map(str::to_owned),
            nocopy,
        },
    };
    Some(Mount {
        target: target.to_owned(),
        read_only,
        source,
    })
}

fn long(at: &At<'_>) -> Option<Mount> {
    let fields = at.fields(LEVEL)?;
    let kind = fields.required("type")?;
    let source = match kind.text()?.as_str() {
        "volume" => {
            let options = options(&fields, "volume", "services.*.volumes.volume");
            MountSource::Volume {
                name: fields.text("source"),
                nocopy: options
                    .and_then(|fields| fields.flag("nocopy"))
                    .unwrap_or(false),
            }
        }
        "bind" => {
            let options = options(&fields, "bind", "services.*.volumes.bind");
            let path = fields.required("source")?.path()?;
            let option = |key| options.as_ref().and_then(|fields| fields.get(key));
            let propagation = option("propagation");
            if let Some(at) = &propagation
                && !PROPAGATIONS.contains(&at.text()?.as_str())
            {
                return at.invalid("no such propagation", &PROPAGATIONS.join(", "));
            }
            MountSource::Bind {
                path,
                create: option("create_host_path")
                    .and_then(|at| at.boolean())
                    .unwrap_or(true),
                propagation: propagation.and_then(|at| at.text()),
                selinux: option("selinux").and_then(|at| at.text()),
            }
        }
        "tmpfs" => {
            let options = options(&fields, "tmpfs", "services.*.volumes.tmpfs");
            let option = |key| options.as_ref().and_then(|fields| fields.get(key));
            MountSource::Tmpfs {
                size: option("size").and_then(|at| at.bytes()),
                mode: option("mode").and_then(|at| at.mode()),
            }
        }
        other @ ("npipe" | "cluster" | "image") => {
            return kind.unsupported(format!("mounts of type {other} are not offered"));
        }
        other => {
            let text = format!("`{other}` is no type of a mount");
            return kind.invalid(text, "volume, bind or tmpfs");
        }
    };
    for other in ["bind", "volume", "tmpfs"] {
        if let Some(wrong) = fields.get(other)
            && kind.text()? != other
        {
            return wrong.invalid(
                format!("`{other}` says nothing of a mount of another type"),
                "",
            );
        }
    }
    // Concerned Docker Desktop of years ago, and changes nothing.
    if let Some(consistency) = fields.get("consistency") {
        consistency.text()?;
    }
    Some(Mount {
        target: fields.required("target")?.text()?,
        read_only: fields.flag("read_only").unwrap_or(false),
        source,
    })
}

fn options<'a>(fields: &Fields<'a>, key: &'static str, level: &'static str) -> Option<Fields<'a>> {
    fields.get(key)?.fields(level)
}
