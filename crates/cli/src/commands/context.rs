//! Contexts: which control plane commands are about.

use nasiko_client::{
    context::{Color, ContextChange, NewContext},
    contexts::Contexts,
};

use crate::{
    arguments::{AddContext, ContextCommand, EditContext},
    documents::{ContextDocument, RemovedContextDocument},
    failure::{Failure, local},
    output::Look,
    session::Session,
    table::Table,
};

pub(crate) fn run(session: &Session, command: ContextCommand) -> Result<(), Failure> {
    match command {
        ContextCommand::List => list(session),
        ContextCommand::Add(words) => add(session, words),
        ContextCommand::Edit(words) => edit(session, words),
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

fn add(session: &Session, words: AddContext) -> Result<(), Failure> {
    let folder = std::env::current_dir()
        .map_err(|error| local("This folder does not know where it is", &error))?;
    let mut contexts = Contexts::read(&session.contexts_home)?;
    let name = words.name.clone();
    contexts.add_typed(
        &NewContext {
            name: words.name,
            place: words.place,
            token_file: words.token_file,
            color: words.color.as_deref().and_then(Color::of),
        },
        &folder,
    )?;
    if words.in_use {
        contexts.use_context(&name)?;
    }
    let added = contexts.get(&name)?;
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

fn edit(session: &Session, words: EditContext) -> Result<(), Failure> {
    let mut contexts = Contexts::read(&session.contexts_home)?;
    let change = ContextChange {
        name: words.new_name,
        color: words.color.as_deref().and_then(Color::of),
    };
    let edited = contexts.edit(&words.name, &change)?;
    let output = session.output;
    if output.json {
        return output.document(&ContextDocument::new(&edited, contexts.current()));
    }
    output.line(format!(
        "{} is {}, in {}",
        edited.name,
        edited.place,
        edited.color.as_str()
    ))
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
