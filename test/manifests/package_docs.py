#!/usr/bin/env python3
"""package_docs.py CMAKE BUILD_DIR: in the pages that the Debian packages have, each link leads
to a file of the same package, or with its whole path to one of any of them."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PACKAGES = {"controller": "endpointslice-controller", "sim": "endpointslice-sim", "dev": "libepslice-dev"}


def links(text):
    # Neither in blocks of code nor in `code`.
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`]*`", "", text)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def main():
    cmake, build = sys.argv[1:]
    root = tempfile.mkdtemp(prefix="package_docs")
    try:
        for component in PACKAGES:
            subprocess.run([cmake, "--install", build, "--component", component], check=True,
                           stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": root})
        pages, checked, bad = 0, 0, []
        for package in PACKAGES.values():
            top = f"{root}/usr/share/doc/{package}"
            for folder, _, files in os.walk(top):
                for name in files:
                    if not name.endswith(".md"):
                        continue
                    pages += 1
                    page = os.path.join(folder, name)
                    with open(page, encoding="utf-8") as file:
                        found = links(file.read())
                    for link in found:
                        path = link.split("#")[0]
                        if not path or re.match(r"[a-z]+:", path):
                            continue
                        checked += 1
                        if path.startswith("/"):
                            there = os.path.exists(root + path)
                        else:
                            target = os.path.normpath(os.path.join(folder, path))
                            there = os.path.exists(target) and target.startswith(top + "/")
                        if not there:
                            bad.append(f"{page[len(root):]}: {link}")
        print("\n".join(bad) or f"{checked} links in {pages} pages")
        return 1 if bad or checked < 50 else 0
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
