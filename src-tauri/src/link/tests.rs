use proptest::prelude::*;

use super::{Link, is_link, parse};

#[test]
fn pages_and_sources_are_followed() {
    for (link, page) in [
        ("nasiko://open", "/"),
        ("nasiko://open/", "/"),
        ("nasiko://open/agents", "/agents"),
        ("NASIKO://open/agents/greeter/chat", "/agents/greeter/chat"),
        ("nasiko://open/agents/a%20b", "/agents/a%20b"),
        ("nasiko://open/settings/contexts", "/settings/contexts"),
    ] {
        assert_eq!(parse(link), Ok(Link::Page(page.to_owned())), "{link}");
    }
    for (link, source) in [
        ("nasiko://deploy?source=/home/ada/agent", "/home/ada/agent"),
        (
            "nasiko://deploy/?source=%2Fhome%2Fada%2Fmy%20agent.zip",
            "/home/ada/my agent.zip",
        ),
        (
            "nasiko://deploy?source=https://github.com/ada/agent",
            "https://github.com/ada/agent",
        ),
        ("nasiko://deploy?source=/a+b", "/a+b"),
    ] {
        assert_eq!(parse(link), Ok(Link::Preview(source.to_owned())), "{link}");
    }
}

#[test]
fn everything_else_is_refused() {
    for link in [
        "",
        "nasiko:",
        "nasiko:open/agents",
        "nasiko://",
        "nasiko:///open/agents",
        "nasiko://close",
        "nasiko://Open/agents",
        "nasiko://open@elsewhere.example/agents",
        "nasiko://open:80/agents",
        "nasiko://open//elsewhere.example",
        "nasiko://open/agents/",
        "nasiko://open/../etc",
        "nasiko://open/agents/..",
        "nasiko://open/agents/%2e%2e",
        "nasiko://open/agents%2f..",
        "nasiko://open/agents%5c",
        "nasiko://open/agents%00",
        "nasiko://open/agents%0a",
        "nasiko://open/agents%",
        "nasiko://open/agents%f",
        "nasiko://open/agents%zz",
        "nasiko://open/agents%ff",
        "nasiko://open/a/b/c/d/e/f/g/h/i",
        "nasiko://open/agents?fixture=1",
        "nasiko://open/agents#top",
        "nasiko://open/<script>",
        "nasiko://open/javascript:alert(1)",
        "nasiko://deploy",
        "nasiko://deploy?source",
        "nasiko://deploy?source=",
        "nasiko://deploy?source=relative/path",
        "nasiko://deploy?source=~/agent",
        "nasiko://deploy?source=//elsewhere.example/share",
        r"nasiko://deploy?source=\\elsewhere.example\share",
        "nasiko://deploy?source=/a%00b",
        "nasiko://deploy?source=/a&run=1",
        "nasiko://deploy?run=1&source=/a",
        "nasiko://deploy/now?source=/a",
        "nasiko://deploy?source=http://elsewhere.example/a",
        "nasiko://deploy?source=file:///etc",
        "nasiko://deploy?source=ssh://git@elsewhere.example/a",
        "nasiko://deploy?source=git@elsewhere.example:a/b",
        "nasiko://deploy?source=https://name:word@elsewhere.example/a",
        "nasiko://deploy?source=https:///a",
        "nasiko://deploy?source=https://a%20b/",
        "https://elsewhere.example",
    ] {
        assert!(parse(link).is_err(), "{link}: {:?}", parse(link));
    }
    assert!(parse(&format!("nasiko://open/{}", "a".repeat(5_000))).is_err());
}

#[test]
fn what_means_to_be_a_link_is_no_path() {
    assert!(is_link("nasiko:open") && is_link("Nasiko://deploy"));
    assert!(!is_link("/nasiko://open") && !is_link("nasiko") && !is_link("ünïcödé"));
}

proptest! {
    /// Whatever is followed leads to a page of ours or to a whole path or address, and nowhere else.
    #[test]
    fn what_is_followed_stays_inside(text in r"nasiko://(open|deploy|[a-z]{0,3})[/?]?[ -~]{0,60}|\PC{0,40}") {
        match parse(&text) {
            Ok(Link::Page(page)) => {
                prop_assert!(page.starts_with('/') && !page.starts_with("//"));
                prop_assert!(page.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte)));
                prop_assert!(page.split('/').all(|step| !matches!(step, "." | "..")));
            }
            Ok(Link::Preview(source)) => {
                let is_path = source.starts_with('/') && !source.starts_with("//");
                prop_assert!(is_path || source.starts_with("https://"), "{source}");
                prop_assert!(!source.contains(char::is_control));
            }
            Err(why) => prop_assert!(!why.is_empty()),
        }
    }

    /// Every step that a page writes with percent signs comes back as it was.
    #[test]
    fn any_name_can_be_linked_to(name in r"[^/\\\p{Cc}]{1,20}") {
        prop_assume!(!matches!(&*name, "." | ".."));
        let written = name.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        prop_assert_eq!(parse(&format!("nasiko://open/agents/{written}")), Ok(Link::Page(format!("/agents/{written}"))));
    }
}
