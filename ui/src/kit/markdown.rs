use leptos::prelude::*;

use crate::{
    kit::CopyButton,
    model::markdown::{Kind, Node, parse},
    words::kit as words,
};

/// An answer's Markdown, drawn node by node.
#[component]
pub(crate) fn Markdown(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! { <div class="prose">{move || text.with(|text| draw_all(parse(text)))}</div> }
}

fn draw_all(nodes: Vec<Node>) -> Vec<AnyView> {
    nodes.into_iter().map(draw).collect()
}

fn draw(node: Node) -> AnyView {
    match node {
        Node::Text(text) => text.into_any(),
        Node::Code(code) => view! { <code>{code}</code> }.into_any(),
        Node::Break => view! { <br /> }.into_any(),
        Node::Rule => view! { <hr /> }.into_any(),
        Node::CodeBlock(language, code) => {
            let text = code.clone();
            view! {
                <figure class="code-block">
                    <figcaption>
                        <span>{language}</span>
                        <CopyButton text=text what=words::CODE />
                    </figcaption>
                    <pre tabindex="0">
                        <code>{code}</code>
                    </pre>
                </figure>
            }
            .into_any()
        }
        Node::Holder(kind, children) => draw_holder(kind, draw_all(children)),
    }
}

fn draw_holder(kind: Kind, children: Vec<AnyView>) -> AnyView {
    match kind {
        Kind::Paragraph => view! { <p>{children}</p> }.into_any(),
        // The page's own headings stand above: an answer's begin below them.
        Kind::Heading(1 | 2) => view! { <h3>{children}</h3> }.into_any(),
        Kind::Heading(_) => view! { <h4>{children}</h4> }.into_any(),
        Kind::Quote => view! { <blockquote>{children}</blockquote> }.into_any(),
        Kind::List(None) => view! { <ul>{children}</ul> }.into_any(),
        Kind::List(Some(first)) => view! { <ol start=first.to_string()>{children}</ol> }.into_any(),
        Kind::Item => view! { <li>{children}</li> }.into_any(),
        Kind::Table => {
            view! { <div class="table-scroll"><table><tbody>{children}</tbody></table></div> }
                .into_any()
        }
        Kind::Row => view! { <tr>{children}</tr> }.into_any(),
        Kind::Cell { head: true, right } => {
            view! { <th scope="col" class:figure=right>{children}</th> }.into_any()
        }
        Kind::Cell { head: false, right } => {
            view! { <td class:figure=right>{children}</td> }.into_any()
        }
        Kind::Emphasis => view! { <em>{children}</em> }.into_any(),
        Kind::Strong => view! { <strong>{children}</strong> }.into_any(),
        Kind::Strike => view! { <s>{children}</s> }.into_any(),
        Kind::Link(target) => view! {
            <a href=target target="_blank" rel="external noopener noreferrer">
                {children}
            </a>
        }
        .into_any(),
        Kind::Plain => children.into_any(),
    }
}
