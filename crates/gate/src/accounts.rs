//! Users and groups by name, read from the image's own two tables: there need be no library that would.

use std::fs;
use std::io;
use std::path::Path;

/// The numbers that `user[:group]` stands for, as `COPY --chown` reads it: without a group, the group named like the user.
pub(crate) fn owner(root: &Path, text: &str) -> io::Result<(u32, u32)> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    Ok((
        number(root, "etc/passwd", user)?,
        number(root, "etc/group", group)?,
    ))
}

/// Both tables have the name in the first of their fields and the number in the third.
fn number(root: &Path, table: &str, wanted: &str) -> io::Result<u32> {
    if let Ok(number) = wanted.parse() {
        return Ok(number);
    }
    let path = root.join(table);
    let lines = match fs::read(&path) {
        Ok(lines) => lines,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let lines = String::from_utf8_lossy(&lines);
    let named = |line: &str| {
        let mut fields = line.split(':');
        let found = fields.next()? == wanted;
        found.then(|| fields.nth(1)?.parse().ok())?
    };
    lines.lines().find_map(named).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("no {wanted:?} in {}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\nagent:x:1000:1001::/home/agent:/bin/sh\n";
        fs::write(root.path().join("etc/passwd"), users).unwrap();
        fs::write(
            root.path().join("etc/group"),
            "root:x:0:\nagent:x:1001:\nstaff:x:50:agent\n",
        )
        .unwrap();
        for (text, expected) in [
            ("agent", Some((1000, 1001))),
            ("agent:staff", Some((1000, 50))),
            ("agent:7", Some((1000, 7))),
            ("5:6", Some((5, 6))),
            ("5", Some((5, 5))),
            ("nobody", None),
            ("agent:nobody", None),
            ("broken", None),
        ] {
            assert_eq!(owner(root.path(), text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn an_image_without_tables_knows_numbers_alone() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(owner(root.path(), "1:2").unwrap(), (1, 2));
        let error = owner(root.path(), "agent").unwrap_err().to_string();
        assert!(
            error.contains("agent") && error.contains("etc/passwd"),
            "{error}"
        );
    }
}
