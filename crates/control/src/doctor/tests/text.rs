use std::{path::Path, sync::Arc};

use nasiko_contract::{CheckState, Checkup};

use super::fixtures::{around, with};
use crate::doctor::{
    LOOKS, examine, finding::Finding, machine, redact::Redactor, report, run::quietly,
    surroundings::Surroundings,
};

fn of_somebody() -> Surroundings {
    let surroundings = with(around(Path::new("/tmp")), "HOME", "/home/ada.l");
    with(surroundings, "USER", "ada.l")
}

#[test]
fn what_is_private_is_cut_and_the_rest_stays() {
    let redactor = Redactor::new(&of_somebody());
    let check = |text: &str, cut: &str| assert_eq!(redactor.cut(text), cut);
    check(
        "/home/ada.l/agents/greeter/main.py:3",
        "~/agents/greeter/main.py:3",
    );
    check("/home/grace/x and /Users/Grace.H/y", "~/x and ~/y");
    check(r"C:\Users\grace\AppData", r"~\AppData");
    check(
        "owner ada.l, group ada.lovelace2",
        "owner [user], group ada.lovelace2",
    );
    check(
        "mongodb://ada:p4ss@db:27017/x?authSource=admin",
        "mongodb://[cut]@db:27017/x?authSource=admin",
    );
    check("http://proxy:3128 is used", "http://proxy:3128 is used");
    check("OPENAI_API_KEY=sk-verysecret", "OPENAI_API_KEY=[cut]");
    check(
        "Authorization: Bearer abc.def",
        "Authorization: Bearer [cut]",
    );
    check("password: hunter2, and more", "password: [cut], and more");
    check("the token is missing", "the token is missing");
    check("ghp_0123456789abcdef", "[cut]");
    check("id 4bf92f3577b34da6a3ce929d0e0e4736", "id [cut]");
    check(
        "Python 3.11.7 at /usr/bin/python3",
        "Python 3.11.7 at /usr/bin/python3",
    );
    check(
        "No module named 'transformers_extra'",
        "No module named 'transformers_extra'",
    );
}

#[tokio::test]
async fn the_report_has_every_check_and_nothing_private() {
    let surroundings = with(
        of_somebody(),
        "HTTPS_PROXY",
        "http://ada:hunter2@proxy:3128",
    );
    let checkup = examine(&Arc::new(surroundings.clone()), &mut quietly).await;
    let mut all = checkup.checks;
    all.push(
        Finding::warning("A line of a tool")
            .evidence(["token=hunter2 in /home/ada.l/.netrc"])
            .of(&machine::DISK, None),
    );
    let text = report(
        &Checkup {
            at: 0,
            checks: all.clone(),
        },
        &surroundings,
    );
    for check in &all {
        assert!(text.contains(&format!("`{}`", check.check)), "{text}");
    }
    for private in ["hunter2", "ada.l", "/home/"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    assert!(text.contains("token=[cut] in ~/.netrc"), "{text}");
}

#[tokio::test]
async fn the_worst_comes_first_and_each_check_once() {
    let home = tempfile::TempDir::new().unwrap();
    let checkup = examine(&Arc::new(around(home.path())), &mut quietly).await;
    let states: Vec<CheckState> = checkup.checks.iter().map(|check| check.state).collect();
    assert!(states.is_sorted(), "{states:?}");
    let mut ids: Vec<&str> = checkup
        .checks
        .iter()
        .map(|check| check.check.as_str())
        .collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert!(all >= LOOKS.len() + 8, "{ids:?}");
}

#[tokio::test]
async fn each_check_is_in_the_documentation() {
    let home = tempfile::TempDir::new().unwrap();
    let plane = crate::tests::open(home.path()).await;
    let request = nasiko_contract::RunDoctor::default();
    let checkup = crate::api::call(&plane, &crate::api::Caller::owner(), request)
        .await
        .unwrap();
    plane.close().await;
    let page = include_str!("../../../../../docs/doctor.md");
    for check in &checkup.checks {
        assert!(
            page.contains(&format!("`{}`", check.check)),
            "{} is not in docs/doctor.md",
            check.check
        );
    }
    assert!(checkup.checks.len() >= 40, "{}", checkup.checks.len());
}
