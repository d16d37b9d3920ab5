//! What is declared: the product's own Compose file, the person's beside it, and the passwords that they get.

use std::path::{Path, PathBuf};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_stack::compose::{self, Environment, Project, Request, Unset};
use nasiko_stack::observed::State;
use nasiko_store::{ExposeSecret, SecretString};

use crate::{home, plane::Shared, secrets::Belongs};

/// The product's own file, as people read it below the data directory.
const PRODUCT: &str = include_str!("../../stack.yml");
/// The variables of its passwords, which are also their names where they are sealed.
pub(super) const PASSWORDS: [&str; 2] = [
    "NASIKO_STACK_REDIS_PASSWORD",
    "NASIKO_STACK_MONGODB_PASSWORD",
];

impl Shared {
    /// Reads the product's file and those of a person, as one project. Paths in them are relative to the person's first
    /// file; variables are this process's, then those of `.env` beside the product's file and beside the person's first.
    pub(super) async fn declared(&self, own: &[PathBuf]) -> Result<Project, Fault> {
        let mut environment = self.stack.environment.clone();
        environment.extend(self.stack_passwords().await?.clone());
        let folder = self.home.stack();
        let own = own.to_vec();
        let name = self.stack.project.clone();
        let read = move || {
            let product = write_product(&folder)?;
            let own_folder = own.first().and_then(|file| file.parent());
            let env_files = [Some(folder.as_path()), own_folder]
                .into_iter()
                .flatten()
                .map(|folder| folder.join(".env"))
                .filter(|file| file.is_file());
            let request = Request {
                env_files: Some(env_files.collect()),
                directory: own_folder.map(Path::to_owned),
                files: std::iter::once(product).chain(own.clone()).collect(),
                name: Some(name),
                environment,
                unset: Unset::Refuse,
            };
            Ok(compose::load(&request)?)
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| crate::plane::internal("Compose files could not be read", &error))?
    }

    /// The passwords of the product's services: made and sealed when first needed, the same from then on.
    async fn stack_passwords(&self) -> Result<&Environment, Fault> {
        let opened = self.stack.passwords.get_or_try_init(|| async {
            let mut passwords = Environment::new();
            for name in PASSWORDS {
                let password = match self.reveal_one(Belongs::Stack, name).await? {
                    Some(password) => password,
                    None => {
                        let made: [u8; 16] = rand::random();
                        let made = blake3::hash(&made).to_hex();
                        let password = SecretString::from(made.as_str()[..32].to_owned());
                        self.seal(Belongs::Stack, name, password.clone()).await?;
                        password
                    }
                };
                passwords.insert(name.to_owned(), password.expose_secret().to_owned());
            }
            Ok(passwords)
        });
        opened.await
    }
}

impl Shared {
    /// The addresses of the product's Redis and MongoDB with their passwords, as they run now.
    pub(crate) async fn stack_databases(&self) -> Result<[String; 2], Fault> {
        let passwords = self.stack_passwords().await?;
        let password = |name: &str| passwords.get(name).cloned().unwrap_or_default();
        let containers = self
            .engine_stack()
            .await?
            .status(&self.stack.project)
            .await?;
        let address = |service: &str, port: &str| {
            let running = containers
                .iter()
                .filter(|found| found.service == service && found.state == State::Running);
            let mut ports = running.flat_map(|found| &found.ports);
            let published = ports.find(|published| published.target == port)?;
            Some(format!("127.0.0.1:{}", published.port))
        };
        let (Some(redis), Some(mongodb)) = (
            address("redis", "6379/tcp"),
            address("mongodb", "27017/tcp"),
        ) else {
            return Err(Fault::new(
                ErrorCode::WrongState,
                "The stack's Redis and MongoDB do not run",
            )
            .hint("Bring them up with `nasiko up --profile core`"));
        };
        let [of_redis, of_mongodb] = PASSWORDS.map(password);
        Ok([
            format!("redis://:{of_redis}@{redis}/0"),
            format!("mongodb://nasiko:{of_mongodb}@{mongodb}/nasiko?authSource=admin"),
        ])
    }
}

/// The product's file, written where it is not there as this version has it.
fn write_product(folder: &Path) -> Result<PathBuf, Fault> {
    let path = folder.join("stack.yml");
    if fs_err::read_to_string(&path).is_ok_and(|there| there == PRODUCT) {
        return Ok(path);
    }
    // Whole or not at all: somebody else may read it just now.
    let beside = folder.join(format!(".stack.yml.{}", uuid::Uuid::now_v7().simple()));
    let written = fs_err::create_dir_all(folder)
        .and_then(|()| fs_err::write(&beside, PRODUCT))
        .and_then(|()| fs_err::rename(&beside, &path));
    written.map_err(|error| home::unwritable(&path, &error))?;
    Ok(path)
}
