#!/usr/bin/python3
"""Runs clang-tidy over the product's sources, as many at once as there are processors. Findings are errors.

    tests/tidy.py BUILD [--all]

Files that include Asio, Beast or CLI11, themselves or through a header, take half a minute each: the whole tree would
take a cold run of the tests beyond its time. They are looked at with --all only; the summary says how many were left.
For the same reason the path-sensitive analyzer looks less deep without --all, which halves the whole.
A file that was clean is not looked at again while nothing changed that the answer depends on: the file, the project's
headers that it includes, its compile command, .clang-tidy and the tool. Clean keys are kept in BUILD/tidy-cache.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("specs", "docker", "reconciler", "metrics", "controller")
TOOL = "clang-tidy-19"
SHALLOW = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "mode=shallow")]
SLOW = re.compile(rb"^\s*#\s*include\s+<(boost/(asio|beast)|CLI/)", re.MULTILINE)
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def closure(path, seen):
    """The file and every header of the project that it includes, however deep."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in INCLUDE.findall(path.read_bytes()):
        closure(ROOT / name.decode(), seen)
    return seen


def key_of(path, command, common):
    digest = hashlib.sha256(common)
    digest.update(command.encode())
    for part in sorted(closure(path, set())):
        digest.update(str(part.relative_to(ROOT)).encode() + b"\0" + part.read_bytes() + b"\0")
    return digest.hexdigest()


def tidy(path, build, depth):
    begin = time.monotonic()
    run = subprocess.run([TOOL, "--quiet", *depth, "-p", str(build), str(path)], capture_output=True, text=True, check=False)
    return path, run.returncode, run.stdout, time.monotonic() - begin


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    everything = "--all" in sys.argv[2:]
    depth = [] if everything else SHALLOW
    cache = build / "tidy-cache"
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + " ".join(depth).encode()

    todo, clean, left = [], 0, 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ROOMS:
            key = key_of(path, entry["command"], common)
            if (cache / key).exists():
                clean += 1
            elif not everything and any(SLOW.search(part.read_bytes()) for part in closure(path, set())):
                left += 1
            else:
                todo.append((path, key))
    if not todo and not clean:
        print("no source of the product in compile_commands.json")
        return 1

    findings = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(tidy, path, build, depth): key for path, key in todo}
        for done in concurrent.futures.as_completed(running):
            path, code, output, took = done.result()
            print(f"{took:6.1f} s  {path.relative_to(ROOT)}  {'clean' if code == 0 else 'FINDINGS'}", flush=True)
            if code == 0:
                (cache / running[done]).touch()
            else:
                findings += 1
                print(output, flush=True)
    print(f"{len(todo)} files looked at, {clean} unchanged and clean before, {findings} with findings")
    if left:
        print(f"{left} slow ones left to tests/tidy.py {sys.argv[1]} --all")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
