use std::path::Path;

use super::{ComposeError, Environment, Project, Reason, Request, load};

mod content;
mod errors;
mod keys;
mod merging;
mod variables;

/// A folder with files, the first of which are the project's.
struct Folder {
    directory: tempfile::TempDir,
    request: Request,
}

impl Folder {
    fn new(files: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut request = Request {
            name: Some("demo".to_owned()),
            ..Request::default()
        };
        for (index, text) in files.iter().enumerate() {
            let path = directory.path().join(format!("compose-{index}.yml"));
            fs_err::write(&path, text).unwrap();
            request.files.push(path);
        }
        Self { directory, request }
    }

    fn with(self, name: &str, text: &str) -> Self {
        let path = self.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.request
            .environment
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Project, ComposeError> {
        load(&self.request)
    }
}

fn project(text: &str) -> Project {
    Folder::new(&[text])
        .load()
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

#[test]
fn a_span_points_at_the_line_and_column_of_a_value() {
    let error = Folder::new(&["services:\n  web:\n    image: a\n    init: maybe\n"])
        .load()
        .unwrap_err();
    let problem = &error.problems[0];
    assert_eq!((problem.span.line(), problem.span.column()), (4, 11));
    assert!(problem.span.file().ends_with("compose-0.yml"));
    assert!(matches!(problem.reason, Reason::WrongType { .. }));
}
