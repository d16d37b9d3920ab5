//! The build context as the engine gets it.

use std::io;
use std::sync::Arc;

use nasiko_engine::Chunks;
use tokio::task::JoinHandle;

use crate::spec::PreparePlan;

/// The name under which a generated Dockerfile travels.
pub(super) const GENERATED_NAME: &str = ".nasiko.Dockerfile";

/// Starts writing it, see [`nasiko_engine::written`].
pub(super) fn send(plan: &PreparePlan) -> (Chunks, JoinHandle<io::Result<()>>) {
    let context = Arc::clone(&plan.context);
    let generated = plan.generated_dockerfile.clone();
    nasiko_engine::written(move |out| {
        if let Some(dockerfile) = generated {
            nasiko_engine::tar_entry(out, GENERATED_NAME, dockerfile.as_bytes())?;
        }
        context.write_tar(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_dockerfile_and_a_context_are_one_archive() {
        let mut inner = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_cksum();
        inner
            .append_data(&mut header, "main.py", &b"hello"[..])
            .unwrap();
        let inner = inner.into_inner().unwrap();

        let mut whole = Vec::new();
        nasiko_engine::tar_entry(&mut whole, GENERATED_NAME, b"FROM scratch\n").unwrap();
        whole.extend(inner);

        let mut archive = tar::Archive::new(&whole[..]);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        assert_eq!(names, [GENERATED_NAME, "main.py"]);
    }
}
