//! Random edits, made as fast as can be.

use proptest::prelude::*;

use super::*;
use crate::snapshot::edits::{Edit, apply, edits};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Whatever is done to a folder, following the batches ends with what is there.
    #[test]
    fn a_snapshot_that_follows_the_watch_is_in_step(scripts in prop::collection::vec(edits(), 1..5)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(check(&scripts));
    }
}

async fn check(scripts: &[Vec<Edit>]) {
    let mut folder = Folder::new(&["a/c/b", "b/a", "c"]).await;
    for script in scripts {
        for edit in script {
            apply(folder.temp.path(), edit, &mut BTreeSet::new());
        }
        folder.in_step().await;
    }
}
