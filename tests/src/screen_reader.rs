//! A screen reader of a test's own: what programs tell assistive technology over AT-SPI, on a session bus where nobody
//! else listens. It asks three things of each object, which take no library beside the bus itself.

use std::{
    collections::HashMap,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::de::DeserializeOwned;
use tempfile::TempDir;
use zbus::{
    Connection, connection,
    zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Type, Value},
};

use crate::{desktop_bus::DesktopBus, wait::PATIENCE, web_driver::until};

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Where every program that can be read is found.
const REGISTRY: &str = "org.a11y.atspi.Registry";
const ROOT: &str = "/org/a11y/atspi/accessible/root";
/// How long a program may take to end.
const END_LIMIT: Duration = Duration::from_secs(5);
/// A page has no more.
const MOST_OBJECTS: usize = 20_000;

/// The bus of assistive technology and whoever reads there; ended with the value.
pub struct ScreenReader {
    address: String,
    connection: Connection,
    // In the order in which they are to end.
    _registry: Program,
    _launcher: Program,
    session: DesktopBus,
    _runtime: TempDir,
}

/// One of the bus's programs.
struct Program(Child);

/// What is told of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it is.
    pub role: Role,
    /// What it is called.
    pub name: String,
    /// More about it, e.g. `live`.
    pub attributes: HashMap<String, String>,
}

/// A role, by its number in AT-SPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role(pub u32);

impl Role {
    /// Says at once what is urgent.
    pub const ALERT: Self = Self(2);
    /// On or off, beside others.
    pub const CHECK_BOX: Self = Self(7);
    /// One of a list.
    pub const COMBO_BOX: Self = Self(11);
    /// Above the page.
    pub const DIALOG: Self = Self(16);
    /// One of a menu.
    pub const MENU_ITEM: Self = Self(35);
    /// A field that does not show what is written.
    pub const PASSWORD: Self = Self(40);
    /// Does something.
    pub const BUTTON: Self = Self(43);
    /// One of a few.
    pub const RADIO_BUTTON: Self = Self(44);
    /// A value between two ends.
    pub const SLIDER: Self = Self(51);
    /// Says what has happened.
    pub const STATUS: Self = Self(54);
    /// On or off, a switch too.
    pub const TOGGLE_BUTTON: Self = Self(62);
    /// A field.
    pub const ENTRY: Self = Self(79);
    /// Leads to another page.
    pub const LINK: Self = Self(88);
}

/// An object: the program on the bus that it belongs to, and its path there.
type Object = (String, OwnedObjectPath);

impl ScreenReader {
    /// Starts the bus by its launcher, as a desktop does for a person who has a screen reader.
    pub async fn start(launcher: &Path) -> Self {
        let session = DesktopBus::start();
        let runtime = TempDir::new().expect("a temporary folder");
        let mut program = Command::new(launcher);
        program
            .args(["--launch-immediately", "--a11y=1", "--screen-reader=1"])
            .env("DBUS_SESSION_BUS_ADDRESS", session.address())
            .env("XDG_RUNTIME_DIR", runtime.path())
            // Else it would tell of its bus at the display, and every other window there would come to it.
            .env_remove("DISPLAY");
        let launched = Program::start(&mut program);
        let connected = session.connect().await;
        let address: String = until("the bus has an address", async || {
            let asked = connected
                .call_method(
                    Some("org.a11y.Bus"),
                    "/org/a11y/bus",
                    Some("org.a11y.Bus"),
                    "GetAddress",
                    &(),
                )
                .await
                .map_err(|error| error.to_string())?;
            asked
                .body()
                .deserialize()
                .map_err(|error| error.to_string())
        })
        .await;
        let connection = connection::Builder::address(address.as_str())
            .expect("an address")
            .method_timeout(PATIENCE)
            .build()
            .await
            .expect("the bus takes a connection");
        // The bus would start it by itself, without the display that it needs.
        let mut program = Command::new(launcher.with_file_name("at-spi2-registryd"));
        program.env("AT_SPI_BUS_ADDRESS", &address);
        let registry = Program::start(&mut program);
        let root = OwnedObjectPath::try_from(ROOT).expect("a path");
        let reader = Self {
            address,
            connection,
            _registry: registry,
            _launcher: launched,
            session,
            _runtime: runtime,
        };
        until("the registry answers", async || {
            reader.look(&(REGISTRY.to_owned(), root.clone())).await
        })
        .await;
        reader
    }

    /// Lets a program that is not yet started be read.
    pub fn prepare(&self, command: &mut Command) {
        command
            .env_remove("NO_AT_BRIDGE")
            .env("DBUS_SESSION_BUS_ADDRESS", self.session.address())
            .env("AT_SPI_BUS_ADDRESS", &self.address);
    }

    /// All that is told now, from the outside in. An object that goes meanwhile is the error.
    pub async fn read(&self) -> Result<Vec<Told>, String> {
        let root = OwnedObjectPath::try_from(ROOT).expect("a path");
        let mut open = vec![(REGISTRY.to_owned(), root)];
        let mut all = Vec::new();
        // One after the other, as a person has it read.
        while let Some(object) = open.pop() {
            let (told, children) = self.look(&object).await?;
            all.push(told);
            open.extend(children.into_iter().rev());
            if all.len() > MOST_OBJECTS {
                return Err(format!("there are more than {MOST_OBJECTS} objects"));
            }
        }
        Ok(all)
    }

    async fn look(&self, object: &Object) -> Result<(Told, Vec<Object>), String> {
        // One after the other: a page's program does not survive to be asked everything at once.
        let role = Role(self.ask(object, ACCESSIBLE, "GetRole", &()).await?);
        let attributes = self.ask(object, ACCESSIBLE, "GetAttributes", &()).await?;
        let children = self
            .ask::<Vec<Object>>(object, ACCESSIBLE, "GetChildren", &())
            .await?;
        let name = self
            .ask::<OwnedValue>(object, PROPERTIES, "Get", &(ACCESSIBLE, "Name"))
            .await?;
        let name = match &*name {
            Value::Str(name) => name.to_string(),
            other => return Err(format!("a name that is {other:?}")),
        };
        let told = Told {
            role,
            name,
            attributes,
        };
        let children = match children {
            none if none.is_empty() => self.embedded(object).await?,
            some => some,
        };
        Ok((told, children))
    }

    /// What another program shows there, as WebKit's does of a page: it is counted, but not listed.
    async fn embedded(&self, object: &Object) -> Result<Vec<Object>, String> {
        let count = self
            .ask::<OwnedValue>(object, PROPERTIES, "Get", &(ACCESSIBLE, "ChildCount"))
            .await?;
        match &*count {
            Value::I32(0) => Ok(Vec::new()),
            _ => {
                let child = self.ask(object, ACCESSIBLE, "GetChildAtIndex", &0_i32);
                Ok(vec![child.await?])
            }
        }
    }

    async fn ask<T>(
        &self,
        (program, path): &Object,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + DynamicType),
    ) -> Result<T, String>
    where
        T: DeserializeOwned + Type,
    {
        let said = |error: zbus::Error| format!("{method} of {program}{path}: {error}");
        let asked = self
            .connection
            .call_method(
                Some(program.as_str()),
                path.as_str(),
                Some(interface),
                method,
                arguments,
            )
            .await
            .map_err(said)?;
        asked.body().deserialize().map_err(said)
    }
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(started.expect("a program of the bus starts"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Asked politely the launcher ends its bus.
        let id = self.0.id().to_string();
        let _ = Command::new("kill").arg(&id).status();
        if !crate::resident::ended_within(&mut self.0, END_LIMIT) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
