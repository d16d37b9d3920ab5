//! Embeds what is made elsewhere: the pages, and what the committed OpenAPI document says. The document travels packed;
//! which fields requests have, and which of them are text, becomes a table.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value};

const PAGES: &str = "../../ui/dist";
const DOCUMENT: &str = "../../schemas/openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PAGES}");
    println!("cargo:rerun-if-changed={DOCUMENT}");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Where it was removed to be made anew, by a test of this crate, there is none.
    let text = fs::read_to_string(DOCUMENT).unwrap_or_else(|_| "{}".to_owned());
    let document: Value = serde_json::from_str(&text)?;
    let file = File::create(out.join("openapi.json.gz"))?;
    let mut packed = GzEncoder::new(file, Compression::best());
    packed.write_all(document.to_string().as_bytes())?;
    packed.finish()?;
    fs::write(out.join("requests.rs"), requests(&document)?)?;
    Ok(())
}

fn requests(document: &Value) -> Result<String, std::fmt::Error> {
    let none = Map::new();
    let below = |value: &Value, at: &str| -> Map<String, Value> {
        value
            .pointer(at)
            .and_then(Value::as_object)
            .unwrap_or(&none)
            .clone()
    };
    let mut table = "static REQUESTS: &[(&str, &[(&str, bool)])] = &[\n".to_owned();
    for operation in below(document, "/paths")
        .values()
        .flat_map(|path| below(path, "").into_iter())
        .map(|(_, operation)| operation)
    {
        writeln!(table, "    ({}, &[", operation["operationId"])?;
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] != "header") {
            let (name, schema) = (&parameter["name"], &parameter["schema"]);
            writeln!(table, "        ({name}, {}),", is_text(schema))?;
        }
        for content in below(&operation, "/requestBody/content").values() {
            for (name, schema) in below(content, "/schema/properties") {
                writeln!(table, "        ({name:?}, {}),", is_text(&schema))?;
            }
        }
        table.push_str("    ]),\n");
    }
    table.push_str("];\n");
    Ok(table)
}

/// Not a number, flag, list or object; references and unions are enums of words in a request.
fn is_text(schema: &Value) -> bool {
    const NOT_TEXT: [&str; 5] = ["boolean", "integer", "number", "array", "object"];
    let is_text = |kind: &Value| kind.as_str().is_none_or(|kind| !NOT_TEXT.contains(&kind));
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().all(is_text),
        kind => is_text(kind),
    }
}
