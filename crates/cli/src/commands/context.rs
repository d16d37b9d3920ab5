//! Contexts: which control plane commands are about.

use std::path::Path;

use nasiko_client::{
    context::{Color, Context, ContextName, Place},
    contexts::Contexts,
};

use crate::{
    arguments::{AddContext, ContextCommand},
    documents::{ContextDocument, RemovedContextDocument},
    failure::{Failure, usage},
    output::Look,
    session::Session,
    table::Table,
};

pub(crate) fn run(session: &Session, command: ContextCommand) -> Result<(), Failure> {
    match command {
        ContextCommand::List => list(session),
        ContextCommand::Add(words) => add(session, &words),
        ContextCommand::Use { name } => choose(session, &name),
        ContextCommand::Rm { name } => remove(session, &name),
    }
}

pub(crate) fn list(session: &Session) -> Result<(), Failure> {
    let output = session.output;
    let contexts = Contexts::read(&session.contexts_home)?;
    if let Some(trouble) = contexts.trouble() {
        output.warning(trouble);
    }
    let rows = contexts
        .all()
        .iter()
        .map(|context| ContextDocument::new(context, contexts.current()));
    if output.json {
        return output.document(&rows.collect::<Vec<_>>());
    }
    let mut table = Table::new(&["", "name", "color", "place"]);
    for context in contexts.all() {
        let mark = if context.name == contexts.current().name {
            "*"
        } else {
            ""
        };
        table.row([
            mark.to_owned(),
            context.name.to_string(),
            context.color.as_str().to_owned(),
            context.place.to_string(),
        ]);
    }
    table.print(output, "")
}

fn add(session: &Session, words: &AddContext) -> Result<(), Failure> {
    let mut contexts = Contexts::read(&session.contexts_home)?;
    let name = ContextName::new(&words.name).ok_or_else(|| {
        usage(
            format!("`{}` is no name of a context", words.name),
            "Lower-case letters, digits and hyphens, 40 at most",
        )
    })?;
    let given = Color::ALL
        .into_iter()
        .find(|color| words.color.as_deref() == Some(color.as_str()));
    let context = Context {
        name: name.clone(),
        color: given.unwrap_or_else(|| contexts.free_color()),
        place: place(words)?,
    };
    contexts.add(context)?;
    if words.in_use {
        contexts.use_context(name.as_str())?;
    }
    let added = contexts.get(name.as_str())?;
    let output = session.output;
    if output.json {
        return output.document(&ContextDocument::new(added, contexts.current()));
    }
    output.line(format!("{name} is {}", added.place))?;
    if !words.in_use {
        output.say(format!(
            "Use it with `nasiko context use {name}`, or once with `--context {name}`"
        ));
    }
    Ok(())
}

fn place(words: &AddContext) -> Result<Place, Failure> {
    let whole = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            usage(
                format!("`{}` is no path: {error}", path.display()),
                "Name a folder on this machine",
            )
        })
    };
    if words.place.contains("://") {
        let token_file = words.token_file.as_deref().map(whole).transpose()?;
        return Ok(Place::Remote {
            url: words.place.clone(),
            token_file,
        });
    }
    if words.token_file.is_some() {
        return Err(usage(
            "A control plane on this machine needs no token",
            "Leave out --token-file, or give an address instead of a folder",
        ));
    }
    Ok(Place::Local {
        home: whole(Path::new(&words.place))?,
    })
}

fn choose(session: &Session, name: &str) -> Result<(), Failure> {
    let mut contexts = Contexts::read(&session.contexts_home)?;
    if let Some(trouble) = contexts.trouble() {
        session.output.warning(trouble);
    }
    contexts.use_context(name)?;
    let context = contexts.current();
    let output = session.output;
    if output.json {
        return output.document(&ContextDocument::new(context, context));
    }
    output.line(format!(
        "Commands work in {} from now on: {}",
        output.look(Look::Bold, name),
        context.place
    ))
}

fn remove(session: &Session, name: &str) -> Result<(), Failure> {
    let mut contexts = Contexts::read(&session.contexts_home)?;
    let was_current = contexts.current().name.as_str() == name;
    let removed = contexts.remove(name)?;
    let output = session.output;
    if output.json {
        return output.document(&RemovedContextDocument {
            name,
            removed: true,
        });
    }
    output.line(format!(
        "{name} is forgotten; what is at {} stays",
        removed.place
    ))?;
    if was_current {
        output.say("Commands work in local again");
    }
    Ok(())
}
