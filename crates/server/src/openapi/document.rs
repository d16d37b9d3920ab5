//! Makes the OpenAPI 3.1 document of the contract's list and its types' schemas.

use nasiko_contract::{API_PREFIX, ErrorCode, Operation, OperationInfo, Problem, Shape};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

macro_rules! describe_all {
    (json { $($json:ident)* } stream { $($stream:ident)* } upload { $($upload:ident)* }) => {
        fn describe_operations(describer: &mut Describer) {
            $(describer.add::<nasiko_contract::$json>();)*
            $(describer.add::<nasiko_contract::$stream>();)*
            $(describer.add::<nasiko_contract::$upload>();)*
        }
    };
}
nasiko_contract::with_operations!(describe_all);

/// The document.
pub(crate) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut describer = Describer {
        schemas: settings.into_generator(),
        paths: Map::new(),
    };
    describe_operations(&mut describer);
    let problem = describer.schemas.subschema_for::<Problem>();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Nasiko",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every action of the control plane. Failures are RFC 9457 problem details with a stable \
                code. A POST may carry an Idempotency-Key: said twice, it is done once.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "x-error-codes": codes,
        "paths": describer.paths,
        "components": {
            "schemas": describer.schemas.take_definitions(true),
            "responses": { "Problem": {
                "description": "It failed; `code` says why",
                "content": { "application/problem+json": { "schema": problem } },
            }},
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": nasiko_contract::SESSION_COOKIE },
            },
        },
    })
}

struct Describer {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Describer {
    fn add<O: Operation + JsonSchema>(&mut self) {
        let info = O::INFO;
        let request = O::json_schema(&mut self.schemas).to_value();
        let output = self.schemas.subschema_for::<O::Output>().to_value();
        let tag = info.name.split('.').next().unwrap_or_default();
        let mut operation = json!({
            "operationId": info.name,
            "summary": info.summary,
            "tags": [tag],
            "x-permission": info.permission,
            "parameters": parameters(&info, &request),
            "responses": {
                info.status.to_string(): answer_of(&info, &output),
                "default": { "$ref": "#/components/responses/Problem" },
            },
        });
        if info.method.has_body() {
            operation["requestBody"] = body(&info, &request);
        }
        let path = format!("{API_PREFIX}{}", info.path);
        let method = info.method.as_str().to_ascii_lowercase();
        let methods = self.paths.entry(path).or_insert_with(|| json!({}));
        methods[method] = operation;
    }
}

fn parameters(info: &OperationInfo, request: &Value) -> Vec<Value> {
    let in_path: Vec<&str> = info.path_fields().collect();
    let mut parameters: Vec<Value> = properties(request)
        .filter(|(name, _)| in_path.contains(&name.as_str()) || !info.method.has_body())
        .map(|(name, schema)| {
            let place = if in_path.contains(&name.as_str()) { "path" } else { "query" };
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|it| it.remove("description"));
            let mut parameter = json!({
                "name": name, "in": place, "required": place == "path" || requires(request, name), "schema": schema,
            });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        })
        .collect();
    if info.method == nasiko_contract::Method::Post {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "schema": { "type": "string" },
            "description": "Said twice under one key, it is done once",
        }));
    }
    parameters
}

fn body(info: &OperationInfo, request: &Value) -> Value {
    let in_path: Vec<&str> = info.path_fields().collect();
    let in_body = |name: &str| !in_path.contains(&name);
    let mut fields: Map<String, Value> = properties(request)
        .filter(|(name, _)| in_body(name))
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    let mut required: Vec<&str> = fields
        .keys()
        .filter(|name| requires(request, name))
        .map(String::as_str)
        .collect();
    let mut kind = "application/json";
    let file = json!({ "type": "string", "format": "binary", "description": "The file" });
    if info.shape == Shape::Upload {
        required.push("file");
        kind = "multipart/form-data";
    }
    let mut schema = json!({ "type": "object", "required": required });
    if info.shape == Shape::Upload {
        fields.insert("file".to_owned(), file);
    }
    let needed = schema["required"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    schema["properties"] = Value::Object(fields);
    json!({ "required": needed, "content": { kind: { "schema": schema } } })
}

fn answer_of(info: &OperationInfo, output: &Value) -> Value {
    match info.shape {
        Shape::Json | Shape::Upload => json!({
            "description": info.summary,
            "content": { "application/json": { "schema": output } },
        }),
        Shape::Stream => json!({
            "description": "Server-sent events: each `data` is one item, `id` its number where the stream is numbered \
                (send it back as `Last-Event-ID` to go on from there); an event named `fault` ends a stream that failed",
            "content": { "text/event-stream": { "schema": { "type": "string" }, "x-item-schema": output } },
        }),
    }
}

fn properties(request: &Value) -> impl Iterator<Item = (&String, &Value)> {
    request
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn requires(request: &Value, name: &str) -> bool {
    request
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|required| required.iter().any(|field| field == name))
}
