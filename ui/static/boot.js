// Sets the theme before the first frame, starts the program, and says so when that fails.

const PROGRAM = "/app/nasiko_ui_bg.wasm";

const root = document.documentElement;
const remembered = (() => {
  try {
    return localStorage.getItem("nasiko.theme");
  } catch {
    return null; // storage may be refused: then the system decides
  }
})();
const wants = (what) => matchMedia(`(prefers-${what})`).matches;
const themes = { Light: "light", Dark: "dark", "High contrast, light": "contrast", "High contrast, dark": "contrast-dark" };
const preferred = wants("contrast: more") ? ["contrast", "contrast-dark"] : ["light", "dark"];
root.dataset.theme = themes[remembered] ?? preferred[Number(wants("color-scheme: dark"))];
const dark = root.dataset.theme.endsWith("dark");
document.getElementById("unloaded")?.remove();

let started = false;
let stopped = false;

/** Shows why there is no application, with a report that can be copied. */
function stop(title, advice, report) {
  if (stopped) return;
  stopped = true;
  const screen = document.createElement("div");
  screen.className = "stop";
  screen.setAttribute("role", "alert");
  const add = (name, text) => {
    const element = document.createElement(name);
    element.textContent = text;
    screen.append(element);
    return element;
  };
  add("h1", title);
  add("p", advice);
  if (report) {
    const evidence = add("pre", report);
    evidence.tabIndex = 0;
  }
  const again = add("button", "Load again");
  again.type = "button";
  again.className = "button primary";
  again.addEventListener("click", () => location.reload());
  document.body.replaceChildren(screen);
  again.focus();
  // The window is hidden until something is drawn: this is.
  if (!started) window.__TAURI_INTERNALS__?.invoke("first_frame", { dark }).catch(() => {});
}

addEventListener("nasiko-started", () => {
  started = true;
});
addEventListener("nasiko-crashed", (event) => {
  stop(
    "Nasiko broke",
    "This page hit a fault of its own. Agents and the control plane go on. Load it again; if it happens twice, report these lines.",
    `${event.detail}\n\n${location.pathname}\n${navigator.userAgent}`,
  );
});

if (typeof WebAssembly !== "object" || !("replaceChildren" in Element.prototype)) {
  stop("This browser is too old", "Nasiko needs WebAssembly: a current Firefox, Chrome, Edge or Safari.", navigator.userAgent);
} else {
  // Asked for beside the module that takes it. Not preloaded: WebKit would ask for it once more all the same.
  let program = fetch(PROGRAM);
  program.catch(() => {});
  // Browsers break off every request when a network interface comes or goes, as it does with each container.
  for (let tries = 0; !started && !stopped; tries += 1) {
    try {
      // A module that failed to load is remembered as such under its address: another try needs another one.
      const { default: init } = await import(tries ? `/app/nasiko_ui.js?${tries}` : "/app/nasiko_ui.js");
      await init({ module_or_path: program });
      break;
    } catch (error) {
      program = PROGRAM;
      if (tries < 3 && !stopped) {
        await new Promise((resume) => setTimeout(resume, 300 * (tries + 1)));
        continue;
      }
      stop(
        "Nasiko could not start",
        "The page's program could not be loaded. Is the control plane still running?",
        `${error}\n${navigator.userAgent}`,
      );
    }
  }
}
