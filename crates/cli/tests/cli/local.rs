//! What needs no resident: scaffolds and completions.

use tempfile::TempDir;

use crate::scene::{finish, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_scaffold_bears_its_name_and_is_never_written_over() {
    let home = TempDir::new().unwrap();
    for template in ["python", "python-stream", "node"] {
        let name = format!("my-{template}");
        let words = ["new", template, &name, "--json"];
        let ran = finish(program(&home, &words), None).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let folder = home.path().join(&name);
        let files = ran.json()["files"].as_array().unwrap().clone();
        assert_eq!(files.len(), folder.read_dir().unwrap().count());
        for file in files {
            let content = std::fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
            assert!(
                !content.contains("__NAME__"),
                "{file} of {template} has a gap"
            );
        }
        let card = std::fs::read_to_string(folder.join("AgentCard.json")).unwrap();
        let card: serde_json::Value = serde_json::from_str(&card).unwrap();
        assert_eq!(card["name"], name);
        std::fs::write(folder.join("README.md"), "mine").unwrap();
        let again = finish(program(&home, &words), None).await;
        assert_eq!(
            (again.code, again.json()["error"]["code"].as_str()),
            (Some(1), Some("conflict"))
        );
        assert_eq!(
            std::fs::read_to_string(folder.join("README.md")).unwrap(),
            "mine"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_there_for_every_shell() {
    let home = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = finish(program(&home, &["completions", shell]), None).await;
        assert_eq!(ran.code, Some(0));
        for word in ["deploy", "dead-letters", "nasiko"] {
            assert!(
                ran.stdout.contains(word),
                "{shell} does not complete {word}"
            );
        }
    }
}
