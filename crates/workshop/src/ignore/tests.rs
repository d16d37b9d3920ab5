use proptest::prelude::*;

use super::*;

/// One row: the file, paths it leaves out, paths it sends.
fn check(file: &str, excluded: &[&str], sent: &[&str]) {
    let ignore = DockerIgnore::parse(file);
    for path in excluded {
        assert!(ignore.excludes(path), "{file:?} must exclude {path}");
    }
    for path in sent {
        assert!(!ignore.excludes(path), "{file:?} must send {path}");
    }
}

#[test]
fn patterns_are_anchored_at_the_root() {
    check(
        "node_modules",
        &["node_modules", "node_modules/a/b.js"],
        &["web/node_modules", "node_modules2"],
    );
    check("/build", &["build/x"], &["src/build"]);
    check("*.pyc", &["a.pyc"], &["pkg/a.pyc"]);
    check(
        "*/temp*",
        &["a/temporary.txt", "a/temp"],
        &["a/b/temp", "temp"],
    );
    check("temp?", &["tempa"], &["temp", "tempab", "temp/"]);
}

#[test]
fn double_stars_cross_directories() {
    check("**/*.pyc", &["a.pyc", "a/b.pyc", "a/b/c.pyc"], &["a.py"]);
    check(
        "**/__pycache__",
        &["__pycache__/x", "a/__pycache__", "a/b/__pycache__/y"],
        &["pycache"],
    );
    check("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["z", "b/a/z"]);
    check("docs/**", &["docs/a", "docs/a/b"], &["docs2", "x/docs/a"]);
    check("**", &["a", "a/b"], &["Dockerfile"]);
    check("foo**", &["foo", "foobar", "foobar/baz"], &["xfoo"]);
    check("**/foo", &["foo", "a/foo", "a/b/foo/c"], &["afoo", "foob"]);
}

#[test]
fn the_last_match_wins() {
    check("*.md\n!README.md", &["NOTES.md"], &["README.md"]);
    check("!README.md\n*.md", &["README.md"], &["a.txt"]);
    check(
        "*.md\n!README*.md\nREADME-secret.md",
        &["README-secret.md", "x.md"],
        &["README.md", "README-a.md"],
    );
    check(
        "*\n!src\n!requirements.txt",
        &["x", "tests/a"],
        &["src/a/b.py", "requirements.txt"],
    );
    check("src\n!src/keep.py", &["src/a.py"], &["src/keep.py"]);
    check(
        "src\n!src/keep\nsrc/keep/secret",
        &["src/keep/secret/k"],
        &["src/keep/x"],
    );
}

#[test]
fn lines_are_read_as_docker_reads_them() {
    check("# a\n\n  a.txt  \n", &["a.txt"], &["# a"]);
    check("\u{feff}a.txt", &["a.txt"], &[]);
    check("a.txt\r\nb\r\n", &["a.txt", "b/x"], &[]);
    check("dir/", &["dir", "dir/x"], &["dir2"]);
    check(".\n", &[], &["a", "b/c"]);
    check("./a//b/../c", &["a/c"], &["a/b", "a/b/c"]);
    check("/", &[], &["a"]);
    check("!", &[], &["a"]);
    check("! a\n", &[], &["a"]);
    check("a\n! a\n", &[], &["a"]);
    check(" # not a comment", &["# not a comment"], &[]);
}

#[test]
fn classes_and_escapes() {
    check("[a-c].txt", &["a.txt", "c.txt"], &["d.txt"]);
    check("[^a-c].txt", &["d.txt"], &["a.txt"]);
    check("\\*.txt", &["*.txt"], &["a.txt"]);
    check("a[", &[], &["a["]);
    check("file.v1+x(1)", &["file.v1+x(1)"], &["fileXv1+x(1)"]);
}

#[test]
fn the_dockerfile_and_the_rules_are_always_sent() {
    check(
        "Dockerfile\n.dockerignore\n*",
        &["a", "sub/Dockerfile"],
        &["Dockerfile", ".dockerignore"],
    );
}

#[test]
fn an_excluded_directory_is_walked_only_when_something_in_it_may_return() {
    let ignore = DockerIgnore::parse("*\n!src/**/*.py\n!docs/a/b.md");
    assert!(ignore.may_reinclude_below("src"));
    assert!(ignore.may_reinclude_below("src/deep"));
    assert!(ignore.may_reinclude_below("docs/a"));
    assert!(!ignore.may_reinclude_below("docs/b"));
    assert!(!ignore.may_reinclude_below("target"));
}

#[test]
fn a_pattern_made_to_be_slow_is_not() {
    let ignore = DockerIgnore::parse(&"*a".repeat(200));
    assert!(!ignore.excludes(&"a".repeat(2000).replace("aaaa", "aaab")));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(file in "\\PC{0,60}", path in "\\PC{0,40}") {
        let ignore = DockerIgnore::parse(&file);
        ignore.excludes(&path);
        ignore.may_reinclude_below(&path);
    }

    #[test]
    fn children_follow_their_parent_without_exceptions(
        patterns in prop::collection::vec("[ab*?/]{1,6}", 0..4),
        path in "[ab]{1,2}(/[ab]{1,2}){1,3}",
    ) {
        let ignore = DockerIgnore::from_patterns(patterns.iter().map(String::as_str));
        let parent = path.rsplit_once('/').unwrap().0;
        if ignore.excludes(parent) {
            prop_assert!(ignore.excludes(&path), "{patterns:?}: {parent} is out, {path} is in");
        }
    }
}
