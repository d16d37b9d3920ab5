// A reader of the OpenAPI document: groups, filter, fields. Text only ever enters the page as text.
const place = document.getElementById("operations");
const filter = document.getElementById("filter");

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map(nameOf).filter((name) => name !== "null").join(" or ");
  const kind = [].concat(schema.type ?? "any").filter((name) => name !== "null").join(" or ");
  return kind === "array" ? `list of ${nameOf(schema.items)}` : kind;
}

function table(rows) {
  return element("table", {}, ...rows.map(([name, needed, kind, words]) =>
    element("tr", {},
      element("td", {}, element("code", needed ? { class: "needed" } : {}, name)),
      element("td", {}, kind),
      element("td", {}, words ?? ""))));
}

function fieldsOf(operation) {
  const rows = operation.parameters.map((parameter) =>
    [parameter.name, parameter.required, `${nameOf(parameter.schema)}, ${parameter.in}`, parameter.description]);
  for (const [kind, content] of Object.entries(operation.requestBody?.content ?? {})) {
    const schema = content.schema;
    const where = kind.startsWith("multipart") ? "form" : "body";
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      rows.push([name, schema.required?.includes(name), `${nameOf(field)}, ${where}`, field.description]);
    }
  }
  return rows;
}

function answerOf(operation, components) {
  const [status, answer] = Object.entries(operation.responses)[0];
  const [kind, content] = Object.entries(answer.content)[0];
  const schema = content["x-item-schema"] ?? content.schema;
  const name = nameOf(schema);
  const known = components.schemas[name]?.properties ?? {};
  const rows = Object.entries(known).map(([field, type]) => [field, false, nameOf(type), type.description]);
  return [element("h3", {}, `${status} ${kind}: ${name}`), rows.length ? table(rows) : ""];
}

function operationElement(method, path, operation, components) {
  const fields = fieldsOf(operation);
  return element("details", {},
    element("summary", {},
      element("code", { class: `method ${method}` }, method.toUpperCase()),
      element("code", { class: "path" }, path),
      element("span", { class: "what" }, operation.summary)),
    element("div", { class: "body" },
      element("div", {}, element("code", {}, operation.operationId), " needs ", element("code", {}, operation["x-permission"])),
      ...(fields.length ? [element("h3", {}, "Fields"), table(fields)] : []),
      ...answerOf(operation, components)));
}

function show(specification, words) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(specification.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const text = `${method} ${path} ${operation.operationId} ${operation.summary}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationElement(method, path, operation, specification.components));
    }
  }
  const sections = [...groups].map(([tag, operations]) =>
    element("section", {}, element("h2", {}, tag.replaceAll("_", " ")), ...operations));
  place.replaceChildren(...(sections.length ? sections : [element("p", { class: "empty" }, "No operation has these words")]));
}

try {
  const response = await fetch("/api/v1/openapi.json");
  if (!response.ok) throw new Error(`the document answered ${response.status}`);
  const specification = await response.json();
  document.getElementById("about").textContent = specification.info.description;
  const update = () => show(specification, filter.value.toLowerCase().split(/\s+/).filter(Boolean));
  filter.addEventListener("input", update);
  update();
} catch (error) {
  place.replaceChildren(element("p", { class: "empty" }, `The operations cannot be shown: ${error.message}`));
}
