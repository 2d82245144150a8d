#!/usr/bin/env python3
"""Runs clang-tidy on many files in little time.

clang-tidy 14 spends most of its time on the headers that a file includes, which
are nearly the same for all files of a library. So files with equal flags are
looked at several at a time, one after the other in one text. What is found in
such a batch is looked for again in the files named, each by itself, and only that
counts: two files may have names that do not go together. As that costs more than
the batch saved, batches are of whole folders, in which names differ.

A file that was clean is not looked at again until it, a header or the checks
change: BUILD/clang-tidy has a stamp for each.

  clang_tidy.py [--jobs N] BUILD HEADERS_KEY FILE...
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

BATCH = 40  # of one folder
FILL = 24  # of several folders


def read_flags(build):
    """Absolute path of a source -> its flags, without compiler, input and output."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    flags = {}
    for entry in entries:
        words = re.split(r"\s+", entry["command"].strip())
        while not os.path.basename(words[0]).startswith("clang++"):
            words.pop(0)
        kept, skip = [], False
        for word in words[1:]:
            if skip:
                skip = False
            elif word in ("-o", "-c"):
                skip = True
            else:
                kept.append(word)
        flags[os.path.realpath(entry["file"])] = " ".join(kept)
    return flags


def run(path, flags):
    command = ["clang-tidy", "--quiet", "--config-file=.clang-tidy", path, "--"] + [
        flag.replace('\\"', '"') for flag in flags.split()
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def findings(output):
    return "\n".join(line for line in output.splitlines() if not re.search(r"\d+ warnings? generated\.$", line))


class Checker:
    def __init__(self, build, headers_key):
        self.stamps = os.path.join(build, "clang-tidy")
        os.makedirs(self.stamps, exist_ok=True)
        self.headers_key = headers_key
        self.flags = read_flags(build)

    def stamp(self, path):
        with open(path, "rb") as f:
            key = hashlib.sha256(f"{path}\0{self.headers_key}\0".encode() + f.read())
        return os.path.join(self.stamps, key.hexdigest())

    def flags_of(self, path):
        flags = self.flags.get(os.path.realpath(path))
        if flags is None:
            sys.exit(f"clang_tidy.py: {path} is in no target: nothing says how to compile it")
        return flags

    def check_alone(self, path):
        clean, output = run(path, self.flags_of(path))
        if clean:
            open(self.stamp(path), "w", encoding="utf-8").close()
        return clean, "" if clean else findings(output)

    def check_batch(self, number, paths):
        """(clean, what to print)"""
        if len(paths) == 1:
            return self.check_alone(paths[0])
        joined = os.path.join(self.stamps, f"batch_{number}.cc")
        with open(joined, "w", encoding="utf-8") as out:
            for path in paths:
                with open(path, encoding="utf-8") as f:
                    out.write(f'#line 1 "{os.path.realpath(path)}"\n{f.read()}\n')
        # What is unused or shadowed is a question for one file.
        clean, output = run(joined, self.flags_of(paths[0]) + " -Wno-unused-function -Wno-shadow")
        os.unlink(joined)
        if clean:
            for path in paths:
                open(self.stamp(path), "w", encoding="utf-8").close()
            return True, ""
        parts = apart(output, joined, paths)
        print(f"   not clean together, again: {'; '.join(' '.join(part) for part in parts)}", flush=True)
        answers = [self.check_batch(number, part) for part in parts]
        return all(clean for clean, _ in answers), "\n".join(text for _, text in answers if text)


def apart(output, joined, paths):
    """What was not clean as one, as several: the files named, or, if a header is, the halves."""
    named = set()
    for path, line in re.findall(r"^(/[^:\n]+):(\d+):\d+: error: ", output, re.MULTILINE):
        named.add(named_by_line(int(line), paths) if path == os.path.realpath(joined) else path)
    found_in = [path for path in paths if os.path.realpath(path) in named]
    rest = [path for path in paths if path not in found_in]
    if len(found_in) < len(named) or not found_in:
        return [paths[: len(paths) // 2], paths[len(paths) // 2 :]]
    return ([rest] if rest else []) + [[path] for path in found_in]


def named_by_line(line, paths):
    """The static analyzer counts the lines of the text it reads, whatever #line says."""
    for path in paths:
        with open(path, encoding="utf-8") as f:
            line -= f.read().count("\n") + 2
        if line <= 0:
            return os.path.realpath(path)
    return ""


def batches(checker, paths):
    folders = collections.defaultdict(list)
    for path in paths:
        # Two programs do not go together, nor do yaml-cpp's Node and ours.
        alone = path if os.path.basename(path) == "main.cc" or path == "apis/yaml.cc" else ""
        folders[(checker.flags_of(path), os.path.dirname(path), alone)].append(path)
    found = []
    last = None
    for (flags, _, alone), group in sorted(folders.items()):
        # Evenly: 41 files are 21 and 20, not 40 and 1.
        count = -(-len(group) // BATCH)
        for i in range(count):
            part = group[len(group) * i // count : len(group) * (i + 1) // count]
            if last == flags and not alone and len(found[-1]) + len(part) <= FILL:
                found[-1] += part
            else:
                found.append(part)
            last = None if alone else flags
    # The longest first, so that no core waits for the other at the end.
    return sorted(found, key=lambda batch: -sum(os.path.getsize(path) for path in batch))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("build")
    parser.add_argument("headers_key", help="changes when a header or the checks do")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()

    checker = Checker(arguments.build, arguments.headers_key)
    todo = [path for path in arguments.files if not os.path.exists(checker.stamp(path))]
    print(f"== clang-tidy: {len(todo)} of {len(arguments.files)} files", flush=True)
    all_clean = True
    with concurrent.futures.ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        pending = [pool.submit(checker.check_batch, i, paths) for i, paths in enumerate(batches(checker, todo))]
        for done in concurrent.futures.as_completed(pending):
            clean, text = done.result()
            all_clean = all_clean and clean
            if text:
                print(text, flush=True)
    return 0 if all_clean else 1


if __name__ == "__main__":
    sys.exit(main())
