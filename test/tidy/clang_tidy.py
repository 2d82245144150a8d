#!/usr/bin/env python3
"""Runs clang-tidy on many files in little time.

clang-tidy 14 spends most of its time on the headers that a file includes, which
are nearly the same for all files of a library. So files with equal flags are
looked at several at a time, one after the other in one text. What is found in
such a batch is looked for again in each of its files by itself, and only that
counts: two files may have names that do not go together.

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

BATCH = 24


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
        clean, _ = run(joined, self.flags_of(paths[0]) + " -Wno-unused-function -Wno-shadow")
        os.unlink(joined)
        if clean:
            for path in paths:
                open(self.stamp(path), "w", encoding="utf-8").close()
            return True, ""
        answers = [self.check_alone(path) for path in paths]
        return all(clean for clean, _ in answers), "\n".join(text for _, text in answers if text)


def batches(checker, paths):
    groups = collections.defaultdict(list)
    for path in paths:
        groups[checker.flags_of(path)].append(path)
    found = []
    for group in groups.values():
        # Evenly: 25 files are 13 and 12, not 24 and 1.
        count = -(-len(group) // BATCH)
        for i in range(count):
            found.append(group[len(group) * i // count : len(group) * (i + 1) // count])
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
