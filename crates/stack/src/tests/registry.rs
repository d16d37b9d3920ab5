use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The first byte of who speaks TLS: engines try that first and take plain HTTP from loopback when it fails.
const TLS: u8 = 0x16;

/// A registry on loopback that gives everybody the same answer; with none, it never answers.
struct Registry {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Registry {
    async fn answering(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serve = async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                match answer {
                    Some(answer) => drop(tokio::spawn(async move {
                        let _ = give(&mut stream, answer).await;
                    })),
                    None => silent.push(stream),
                }
            }
        };
        Self {
            address,
            task: tokio::spawn(serve),
        }
    }

    fn image(&self) -> String {
        let image = format!("{}/nobody/nothing:1", self.address);
        format!("services: {{a: {{image: '{image}'}}}}\n")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn give(stream: &mut TcpStream, answer: &str) -> std::io::Result<()> {
    let mut asked = vec![0; 8192];
    let mut length = 0;
    while !asked[..length].windows(4).any(|end| end == b"\r\n\r\n") {
        length += stream.read(&mut asked[length..]).await?;
        if length == 0 || asked[0] == TLS {
            return Ok(());
        }
    }
    stream.write_all(answer.as_bytes()).await
}

const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\
    Content-Type: application/json\r\nContent-Length: 69\r\nConnection: close\r\n\r\n\
    {\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}";
const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\
    WWW-Authenticate: Basic realm=\"double\"\r\nContent-Type: application/json\r\nContent-Length: 75\r\n\
    Connection: close\r\n\r\n\
    {\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication is required\"}]}";

#[tokio::test(flavor = "multi_thread")]
async fn engine_what_the_registry_answers_is_told() {
    let Some(corner) = Corner::new("engine_what_the_registry_answers_is_told").await else {
        return;
    };
    for (answer, words) in [
        (UNKNOWN, &["manifest", "not found", "unknown"][..]),
        (REFUSED, &["auth", "credentials", "denied"]),
    ] {
        let registry = Registry::answering(Some(answer)).await;
        let error = corner.up(&registry.image()).await.unwrap_err();
        let StackError::ImageMissing { reference, message } = &error else {
            panic!("{error}");
        };
        assert!(reference.contains(&registry.address), "{reference}");
        assert!(words.iter().any(|word| message.contains(word)), "{message}");
        assert_eq!(error.code(), ErrorCode::BaseImageMissing);
    }
    assert!(corner.status().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_a_registry_that_never_answers_holds_nobody_up() {
    let Some(corner) = Corner::new("engine_a_registry_that_never_answers_holds_nobody_up").await
    else {
        return;
    };
    let registry = Registry::answering(None).await;
    let options = UpOptions {
        registry_silence: Duration::from_secs(1),
        ..UpOptions::default()
    };
    let error = corner
        .up_with(&registry.image(), &options)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::TimedOut, "{error}");
    assert!(error.to_string().contains(&registry.address), "{error}");

    // Nor does it hold up who has enough of it.
    let project = corner.read(&registry.image());
    let cancel = CancellationToken::new();
    let told = cancel.clone();
    let later = async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        told.cancel();
    };
    let options = UpOptions::default();
    let (done, ()) = tokio::join!(corner.up_until(&project, &options, &cancel), later);
    assert_eq!(done.unwrap_err().code(), ErrorCode::Cancelled);
}
