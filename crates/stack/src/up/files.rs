//! Puts configs and secrets into a container before it starts, by the engine's archive API: they are in no label, argument or
//! variable.

use std::collections::BTreeMap;

use bollard::query_parameters::UploadToContainerOptionsBuilder;

use super::Job;
use crate::StackError;
use crate::spec::{ContainerSpec, File};

impl Job<'_> {
    pub(super) async fn put_files(&self, id: &str, spec: &ContainerSpec) -> Result<(), StackError> {
        let read_only = spec
            .body
            .host_config
            .as_ref()
            .is_some_and(|host| host.readonly_rootfs == Some(true));
        let mut archives: BTreeMap<&str, Vec<(&str, &File)>> = BTreeMap::new();
        for file in &spec.files {
            let target = file.mount.target.as_str();
            // Into a root that cannot be written to the engine puts nothing, but into a volume below it.
            let (folder, name) = match target.rsplit_once('/') {
                Some((folder, name)) if read_only && !folder.is_empty() => (folder, name),
                _ => ("/", target.trim_start_matches('/')),
            };
            archives.entry(folder).or_default().push((name, file));
        }
        let client = self.stack.engine.client().await?;
        for (folder, files) in archives {
            let archive = archive(&files).map_err(|source| StackError::File {
                path: folder.into(),
                source,
            })?;
            let options = UploadToContainerOptionsBuilder::default()
                .path(folder)
                .build();
            client
                .upload_to_container(id, Some(options), bollard::body_full(archive.into()))
                .await
                .map_err(|error| {
                    self.stack
                        .engine
                        .failed("putting files into a container", error)
                })?;
        }
        Ok(())
    }
}

fn archive(files: &[(&str, &File)]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, file) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mount.mode);
        header.set_uid(file.mount.uid);
        header.set_gid(file.mount.gid);
        archive.append_data(&mut header, name, file.content.as_slice())?;
    }
    archive.into_inner()
}
