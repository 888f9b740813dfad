"""Compares what the folders of src/ include with what they declare, and both with the order of the design.

Usage: arrows.py SRC ARROWS_TXT. ARROWS_TXT is written by CMake: a line "folder: dependency dependency" a folder.
Prints one line for each arrow that should not be there, and ends with status 1 if there is one.
"""
import re
import sys
from pathlib import Path

# From the ground up. A folder may use its own layer (without cycles) and the ones below it.
LAYERS = [
    ["base"],
    ["async", "json", "pattern", "schema"],
    ["engine", "engines/*", "sql", "blob", "http", "egress", "config"],
    ["metering", "identity", "probe", "documents"],
    ["jobs", "models", "objects"],
    ["separations", "library", "inference", "media", "workflows", "workflows/*", "deployments", "api"],
    ["surfaces/*"],
]
# The seam to the network: the endpoint layer serves with it, the others call out with its client.
MAY_USE_HTTP = ["api", "surfaces/*", "jobs", "metering", "models"]
# Engines know neither accounts nor SQL, and only what reads media and archives and runs trained models is shared; surfaces never include each other.
MAY_USE_IN_OWN_LAYER = {"engines/*": ["engine", "engines/archive", "engines/av", "engines/onnx", "engines/htdemucs", "engines/spleeter"], "surfaces/*": []}
# A test may use the seams' test kits and whatever its subject may use.
TEST_FOLDERS = {"tests", "testing", "fuzz", "bench"}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def matches(folder, pattern):
    return folder == pattern or (pattern.endswith("/*") and folder.startswith(pattern[:-1]))


def matches_any(folder, patterns):
    return any(matches(folder, pattern) for pattern in patterns)


def layer_of(folder):
    for rank, layer in enumerate(LAYERS):
        if matches_any(folder, layer):
            return rank
    return None


def read_declared(text):
    declared = {}
    for line in text.splitlines():
        folder, _, dependencies = line.partition(":")
        if folder.strip():
            declared[folder.strip()] = set(dependencies.split())
    return declared


def folder_of(path, folders):
    """The declared folder that a path relative to src/ lies in, the longest match; None for files of src/ itself."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in folders:
            return "/".join(parts[:length])
    return None


def read_included(src, declared):
    """folder -> {included folder: an example "file includes header"}, and the problems met on the way."""
    included, problems = {folder: {} for folder in declared}, []
    for file in sorted(src.rglob("*")):
        if file.suffix not in (".h", ".cc") or not file.is_file():
            continue
        path = file.relative_to(src).as_posix()
        if "/" not in path:
            continue
        folder = folder_of(path, declared)
        if folder is None:
            problems.append(f"{path} lies in no folder that CMake declares")
            continue
        if TEST_FOLDERS & set(path[len(folder):].split("/")):
            continue
        for header in INCLUDE.findall(file.read_text(encoding="utf-8")):
            if not (src / header).exists():
                continue  # a generated header, or one of web/
            target = folder_of(header, declared)
            if target is None:
                if "/" in header:
                    problems.append(f"{path} includes {header}, which lies in no folder that CMake declares")
            elif target != folder:
                included[folder].setdefault(target, f"{path} includes {header}")
    return included, problems


def forbidden(folder, target):
    """Why the design does not allow this arrow; None when it does."""
    rank, target_rank = layer_of(folder), layer_of(target)
    if rank is None or target_rank is None:
        return "is between folders of which one has no layer in tests/arrows/arrows.py"
    if target_rank > rank:
        return "points up"
    if matches(target, "http") and not matches_any(folder, MAY_USE_HTTP):
        return "reaches for http, which only the endpoint layer and users of the client may"
    if target_rank == rank:
        for pattern, allowed in MAY_USE_IN_OWN_LAYER.items():
            if matches(folder, pattern) and not matches_any(target, allowed):
                return "is between folders of one layer that must not know each other"
    return None


def cycle_in(graph):
    """A list of folders that depend on each other in a ring, or None."""
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for target in sorted(graph.get(folder, ())):
            ring = visit(target)
            if ring:
                return ring
        path.pop()
        done.add(folder)
        return None

    for folder in sorted(graph):
        ring = visit(folder)
        if ring:
            return ring
    return None


def check(src, arrows_text):
    declared = read_declared(arrows_text)
    included, problems = read_included(Path(src), declared)
    for folder in declared:
        if TEST_FOLDERS & set(folder.split("/")):
            continue
        for target, example in sorted(included[folder].items()):
            if target not in declared[folder]:
                problems.append(f"{folder} -> {target} is not in the DEPENDS of {folder} ({example})")
        for target in sorted(declared[folder] - set(included[folder])):
            problems.append(f"{folder} -> {target} is declared, but no file includes it")
        for target in sorted(declared[folder] | set(included[folder])):
            why = forbidden(folder, target)
            if why:
                problems.append(f"{folder} -> {target} {why}")
    ring = cycle_in(declared)
    if ring:
        problems.append("the folders depend on each other in a ring: " + " -> ".join(ring))
    return problems


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    src, arrows = arguments
    problems = check(src, Path(arrows).read_text(encoding="utf-8"))
    for problem in problems:
        print(problem)
    print(f"{len(problems)} wrong arrows")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
