//! Looking at failures as scripts see them.

use serde_json::Value;

use crate::Output;

/// The `error` document of a command that failed; panics with everything that was said when it did not.
#[track_caller]
pub fn error_of(output: &Output) -> Value {
    assert_ne!(
        output.code, 0,
        "it should have failed, but said: {}{}",
        output.stdout, output.stderr
    );
    let error = output.json()["error"].take();
    assert!(
        error.is_object(),
        "a failure says {{\"error\":…}}, not: {}{}",
        output.stdout,
        output.stderr
    );
    error
}

/// Asserts code, words in the message, a hint, and words in the evidence of a failed command.
#[track_caller]
pub fn assert_fault(output: &Output, code: &str, message: &str, evidence: &str) {
    let error = error_of(output);
    assert_eq!(error["code"], code, "wrong code in {error:#}");
    let said = error["message"].as_str().unwrap_or_default();
    assert!(
        said.contains(message),
        "`{message}` is missing in the message of {error:#}"
    );
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(!hint.is_empty(), "there is no hint in {error:#}");
    let lines = error["evidence"].to_string();
    assert!(
        lines.contains(evidence),
        "`{evidence}` is missing in the evidence of {error:#}"
    );
    for text in [said, hint, &lines] {
        assert!(
            !text.contains("panicked at") && !text.contains("RUST_BACKTRACE"),
            "a stack trace in {error:#}"
        );
    }
}
