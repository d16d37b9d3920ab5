"""Lets a Python program load its dependencies ahead of time and wait, before any code of its own runs, to be let go.

Python imports this by itself when it starts, because its folder comes first in PYTHONPATH. With NASIKO_PRELOAD set (to
module names separated by commas, or to nothing) standard input is one end of a socket pair: the modules are imported,
`r` is written to it, and one byte is waited for: `g` goes on, the end of the stream ends the program. Without
NASIKO_PRELOAD, or where standard input is no socket, nothing waits.

Either way the program's own modules are compiled from their sources from here on. Python takes cached bytecode for
current when size and whole second of the source's last change agree, and two saves within a second often do agree.

Runs on every Python from 3.8 on; older ones must at least be able to parse it.
"""

import os
import stat
import sys

# Where dependencies lie, also those within the program's own folder.
PACKAGE_FOLDERS = ("site-packages", "dist-packages")


def step_aside():
    """Takes out what brought us here, so that whatever this program starts is ordinary. Returns NASIKO_PRELOAD."""
    here = os.path.dirname(__file__)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    sys.modules.pop("sitecustomize", None)
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    entries = [entry for entry in entries if os.path.abspath(entry) != here]
    if any(entries):
        os.environ["PYTHONPATH"] = os.pathsep.join(entries)
    else:
        os.environ.pop("PYTHONPATH", None)
    return os.environ.pop("NASIKO_PRELOAD", None)


def is_below(path, folder):
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def tell_own_folders():
    """Returns what tells whether a folder holds the program's own modules: it lies in the working directory, and holds
    neither dependencies nor the standard library."""
    try:
        working = os.path.realpath(os.getcwd())
    except OSError:
        return lambda path: False
    library = os.path.realpath(os.path.dirname(os.__file__))

    def is_own(path):
        if not isinstance(path, str):
            return False
        path = os.path.realpath(path)
        if not is_below(path, working) or is_below(path, library):
            return False
        return not any(part in PACKAGE_FOLDERS for part in path.split(os.sep))

    return is_own


def take_gate():
    """Moves the gate from standard input to a descriptor that no child inherits. None where there is no gate."""
    try:
        if not stat.S_ISSOCK(os.fstat(0).st_mode):
            return None
        gate = os.dup(0)
    except OSError:
        return None
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return gate


def preload(names, is_own):
    """Imports the modules, but none of the program's own: those may change until the program is let go."""
    withheld = [(index, entry) for index, entry in enumerate(sys.path) if is_own(entry)]
    sys.path[:] = [entry for entry in sys.path if not is_own(entry)]
    for name in names.split(","):
        try:
            if name:
                __import__(name)
        except KeyboardInterrupt:
            raise
        except BaseException:
            # Also SystemExit. The program itself meets it where it imports this module.
            pass
    for index, entry in withheld:
        sys.path.insert(index, entry)


def wait(gate):
    try:
        os.write(gate, b"r")
        answer = os.read(gate, 1)
        os.close(gate)
    except OSError:
        answer = b""
    if answer != b"g":
        # Whoever would have let it go is no more.
        os._exit(0)


def compile_own(is_own):
    """Makes imports from the program's own folders neither read nor write cached bytecode."""
    from importlib import machinery

    class SourceLoader(machinery.SourceFileLoader):
        def path_stats(self, path):
            raise OSError("without the source's time no cached bytecode is looked for")

    find_in = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (SourceLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )

    def own_folder(path):
        if not is_own(path):
            raise ImportError("only for the program's own folders", path=path)
        return find_in(path)

    sys.path_hooks.insert(0, own_folder)
    # Finders made before would go on as they were.
    for path in [path for path in sys.path_importer_cache if is_own(path)]:
        del sys.path_importer_cache[path]


def main():
    names = step_aside()
    is_own = tell_own_folders()
    compile_own(is_own)
    gate = None if names is None else take_gate()
    if gate is not None:
        preload(names, is_own)
        wait(gate)


main()
# The one that would have been imported without us. There usually is none, and then this fails as that import would have.
import sitecustomize  # noqa: E402,F401
