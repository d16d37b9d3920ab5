//! The inbox: what happened while nobody looked.

use nasiko_contract::{ClearNotices, ListNotices, Notice, ReadNotices, RestoreNotices};

use crate::{
    arguments::{NoticesArguments, NoticesCommand},
    documents::{NoticeDocument, NoticesChangedDocument},
    failure::Failure,
    session::Session,
    table::{Table, ago},
};

pub(crate) async fn notices(session: &Session, words: NoticesArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let (done, word) = match words.command {
        None => {
            let request = ListNotices {
                unread: words.unread,
                limit: Some(words.limit),
                cursor: None,
            };
            return list(session, client.call(request).await?.items);
        }
        Some(NoticesCommand::Read { notice }) => {
            (client.call(ReadNotices { notice }).await?, "marked as read")
        }
        Some(NoticesCommand::Clear { notice }) => (
            client.call(ClearNotices { notice }).await?,
            "cleared; `nasiko notices restore` brings them back",
        ),
        Some(NoticesCommand::Restore) => (client.call(RestoreNotices {}).await?, "brought back"),
    };
    let output = session.output;
    if output.json {
        return output.document(&NoticesChangedDocument::from(done));
    }
    output.line(format!("{} {word}", done.changed))
}

fn list(session: &Session, notices: Vec<Notice>) -> Result<(), Failure> {
    if session.output.json {
        let rows: Vec<NoticeDocument> = notices.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&["new", "ago", "notice", "why"]);
    for notice in notices {
        let mark = if notice.read { "" } else { "•" };
        let why = notice.text.lines().next().unwrap_or_default().to_owned();
        table.row([mark.to_owned(), ago(notice.at), notice.title, why]);
    }
    table.print(
        session.output,
        "Nothing has happened that you have not seen",
    )
}
