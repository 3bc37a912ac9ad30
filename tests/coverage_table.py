#!/usr/bin/python3
"""Prints what the tests reach, by room, and fails below what was promised.

    tests/coverage_table.py REPORT [--missing]     REPORT: the JSON that `llvm-cov export` writes

Lines: at least 95 % of specs, of docker's model (what is not compiled into the HTTP client) and of reconciler. Branches: every
one of the files that decide what is ours, what is done and what is removed; each side of each condition counts.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST_LINES = 95.0
EVERY_BRANCH = {
    "decide": r"reconciler/decide(r|_\w+)?\.[ch]pp",
    "ownership": r"reconciler/ownership\.[ch]pp",
    "deletion guard": r"reconciler/deletion_guard\w*\.[ch]pp",
}


def http_client():
    """The stems of the files that are the engine's HTTP client: the rest of docker/ is the model."""
    text = (ROOT / "docker/CMakeLists.txt").read_text()
    room = re.search(r"cofferdam_room\(\s*cofferdam_docker\s([^)]*)\)", text)
    return set(re.findall(r"(\w+)\.cpp", room.group(1)))


def room_of(path, http):
    if path.parts[0] == "docker":
        return None if path.stem in http else "docker model"
    return path.parts[0] if path.parts[0] in ("specs", "reconciler") else None


class Sum:
    def __init__(self):
        self.files, self.lines, self.reached, self.branches, self.taken = 0, 0, 0, 0, 0

    def add(self, summary):
        self.files += 1
        self.lines += summary["lines"]["count"]
        self.reached += summary["lines"]["covered"]
        self.branches += summary["branches"]["count"]
        self.taken += summary["branches"]["covered"]

    def line_share(self):
        return 100.0 * self.reached / max(self.lines, 1)

    def branch_share(self):
        return 100.0 * self.taken / max(self.branches, 1)


def missing(file, path):
    """Each line that no test reaches and each side of a condition that no test takes, as PATH:LINE: what."""
    text = (ROOT / path).read_text().split("\n")
    segments = file["segments"]
    for here, after in zip(segments, segments[1:]):
        line, _, count, has_count, _, is_gap = here[:6]
        if has_count and count == 0 and not is_gap:
            for number in range(line, after[0] + 1):
                print(f"{path}:{number}: never reached: {text[number - 1].strip()}")
    sides = {}
    for branch in file["branches"]:
        taken = sides.setdefault(tuple(branch[:4]), [0, 0])
        taken[0] += branch[4]
        taken[1] += branch[5]
    for (line, column, end_line, end_column), taken in sorted(sides.items()):
        condition = text[line - 1][column - 1:end_column - 1 if line == end_line else None]
        for side, count in zip(("true", "false"), taken):
            if count == 0:
                print(f"{path}:{line}: never {side}: {condition}")


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())["data"][0]
    http = http_client()
    rooms = {name: Sum() for name in ("specs", "docker model", "reconciler")}
    decisive = {name: Sum() for name in EVERY_BRANCH}
    short = []
    for file in report["files"]:
        path = pathlib.Path(file["filename"])
        if not path.is_relative_to(ROOT):
            continue
        path = path.relative_to(ROOT)
        room = room_of(path, http)
        if room:
            rooms[room].add(file["summary"])
            if "--missing" in sys.argv[2:]:
                missing(file, path)
        for name, pattern in EVERY_BRANCH.items():
            if re.fullmatch(pattern, str(path)):
                decisive[name].add(file["summary"])
                untaken = file["summary"]["branches"]["notcovered"]
                if untaken:
                    short.append(f"{path}: {untaken} of its branches are taken by no test")

    print(f"{'room':<16}{'files':>6}{'lines':>8}{'reached':>9}{'%':>8}{'branches':>10}{'taken':>8}{'%':>8}")
    for name, row in (rooms | decisive).items():
        print(f"{name:<16}{row.files:>6}{row.lines:>8}{row.reached:>9}{row.line_share():>8.2f}"
              f"{row.branches:>10}{row.taken:>8}{row.branch_share():>8.2f}")
        if row.files == 0:
            short.append(f"{name}: no file of it was measured")
    for name, row in rooms.items():
        if row.line_share() < LEAST_LINES:
            short.append(f"{name}: {row.line_share():.2f} % of its lines, less than {LEAST_LINES:.0f} %")
    for line in short:
        print("short:", line)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
