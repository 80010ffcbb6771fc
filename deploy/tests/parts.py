"""What the tests of the production files stand on: where things are, and what happens when a part is missing."""

import os
import shutil
import socket
import subprocess
import time
import unittest
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CI = os.environ.get("CI") == "true"


def missing(what):
    """Skips the test and says why; in CI it fails instead."""
    if CI:
        raise AssertionError(f"{what}: missing, and CI=true allows no skip (scripts/test-deps installs it)")
    raise unittest.SkipTest(f"{what} is missing: scripts/test-deps installs it")


def find(program, *places):
    """Path of a program, or `missing`."""
    for place in places:
        if os.access(place, os.X_OK):
            return str(place)
    return shutil.which(program) or missing(program)


def tidewatch():
    """The program as it was built last, or TIDEWATCH_BIN."""
    given = os.environ.get("TIDEWATCH_BIN")
    if given:
        return given
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [target / profile / "tidewatch" for profile in ("debug", "release", "dist")]
    built = [path for path in built if path.exists()]
    return str(max(built, key=lambda path: path.stat().st_mtime)) if built else missing("tidewatch (cargo build -p tidewatch)")


def run(*command, ok=True, env=None, **more):
    """Runs a command and gives (exit code, stdout, stderr); fails the test unless it went as wanted."""
    got = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                         env={**os.environ, **(env or {})}, **more)
    if ok and got.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {got.returncode}\n{got.stdout}{got.stderr}")
    return got.returncode, got.stdout, got.stderr


def free_port():
    """A port of loopback that nobody has right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(answers, what, seconds=30):
    """Waits for something that starts."""
    end = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not start within {seconds} s")
        time.sleep(0.05)


def answers(url):
    """Whether a URL answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status < 300
    except OSError:
        return False


def documents(path):
    """The documents of a YAML file; a key that is there twice is an error."""
    with open(path, encoding="utf-8") as file:
        return [d for d in yaml.load_all(file, Loader=Strict) if d is not None]


def tracked(*patterns):
    """Files of the repository, as git knows them."""
    names = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)[1].split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


class Strict(yaml.SafeLoader):
    """YAML in which no key comes twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise AssertionError(f"{key.start_mark}: the key {name} comes twice")
            seen.add(name)
        return super().construct_mapping(node, deep)
