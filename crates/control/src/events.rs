//! The ordered event log, as it is followed from outside.

use std::sync::Arc;

use futures::StreamExt;
use nasiko_contract::{Event, Fault, FollowEvents, JobId};
use nasiko_store::{EventFeed, FeedItem, Job, Vault};
use serde_json::Value;

use crate::{
    api::{Caller, Items, Numbered, ServeStream},
    plane::{ControlPlane, Shared},
};

impl ServeStream<FollowEvents> for ControlPlane {
    async fn serve_stream(&self, _: &Caller, request: FollowEvents) -> Result<Items<Event>, Fault> {
        let feed = self.shared.store.subscribe(request.after);
        let state = (Arc::clone(&self.shared), feed);
        Ok(
            futures::stream::try_unfold(state, |(shared, mut feed)| async move {
                let event = next(&shared, &mut feed).await?;
                Ok(Some((
                    Numbered {
                        seq: Some(event.seq),
                        item: event,
                    },
                    (shared, feed),
                )))
            })
            .boxed(),
        )
    }
}

async fn next(shared: &Shared, feed: &mut EventFeed) -> Result<Event, Fault> {
    let event = match feed.next().await? {
        FeedItem::Event(event) => event,
        FeedItem::Gap { first_kept } => {
            return Ok(Event {
                seq: first_kept.saturating_sub(1),
                at: crate::time::now_ms(),
                topic: "gap".to_owned(),
                subject: String::new(),
                data: Value::Null,
            });
        }
    };
    // The queue's own events carry its own shape; followers get the job as the API shows it, as it stands now.
    let about_job = event.topic == Job::CHANGED || event.topic == Job::PROGRESS;
    // Values that we seal for ourselves have a slash in their scope: that something changed is all that others learn.
    let ours = event.topic == Vault::CHANGED && event.subject.contains('/');
    let data = if ours {
        Value::Null
    } else if about_job {
        match shared.job(&JobId(event.subject.clone())).await {
            Ok(job) => serde_json::to_value(job).unwrap_or_default(),
            Err(_) => Value::Null,
        }
    } else {
        event.data.clone()
    };
    Ok(Event {
        seq: event.seq,
        at: event.at_ms,
        topic: if about_job {
            Job::CHANGED.to_owned()
        } else {
            event.topic.clone()
        },
        subject: if ours {
            String::new()
        } else {
            event.subject.clone()
        },
        data,
    })
}
