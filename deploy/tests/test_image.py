"""The Dockerfile: its stages fit together, what it copies is there, and the step that makes the cached layer is run."""

import fnmatch
import json
import re
import shlex
import shutil
import tempfile
import unittest
from pathlib import Path

from parts import ROOT, find, run


def instructions():
    """(word, rest) of each instruction, continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"(?m)^#.*\n", "", text)
    lines = [line.strip() for line in text.replace("\\\n", " ").split("\n") if line.strip()]
    return [tuple(line.split(None, 1)) for line in lines]


def stages():
    """Instructions of each stage by its name, and the arguments before the first."""
    made, arguments, name = {}, {}, None
    for word, rest in instructions():
        if word == "FROM":
            base, _, name = rest.split()
            made[name] = {"base": base, "steps": []}
        elif name is None:
            arguments.update([rest.split("=", 1)])
        else:
            made[name]["steps"].append((word, rest))
    return made, arguments


def ignored(path):
    """Whether .dockerignore keeps a path out of the context."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.lstrip("!")
        if not pattern or line.startswith("#"):
            continue
        parts = Path(path).parts
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        tails = {"/".join(head.split("/")[n:]) for head in heads for n in range(head.count("/") + 1)}
        hit = any(fnmatch.fnmatchcase(h, pattern) for h in heads)
        if pattern.startswith("**/"):
            hit = any(fnmatch.fnmatchcase(t, pattern[3:]) for t in tails)
        if hit:
            out = not line.startswith("!")
    return out


class Image(unittest.TestCase):
    def test_stages_fit_together(self):
        made, arguments = stages()
        known = set()
        for name, stage in made.items():
            base = re.fullmatch(r"\$\{(\w+)\}", stage["base"])
            self.assertTrue(base and base[1] in arguments or stage["base"] in known, f"{name}: {stage['base']}")
            for word, rest in stage["steps"]:
                source = re.search(r"--from=(\S+)", rest) if word == "COPY" else None
                if source:
                    self.assertIn(source[1], known, f"{name} copies from a later stage")
                elif word == "COPY":
                    for path in [p for p in shlex.split(rest) if not p.startswith("--")][:-1]:
                        self.assertTrue((ROOT / path).exists(), f"{name}: there is no {path}")
                        self.assertFalse(ignored(path.rstrip("/")), f"{name}: .dockerignore keeps {path} out")
            known.add(name)
        self.assertEqual(list(made)[-1], "service", "what `docker build .` makes")

    def test_only_what_is_needed_is_sent(self):
        for path in ("target/debug/tidewatch", "web/node_modules/x", ".git/config", "deploy/.env", "tidewatch-data/admin-key",
                     "crates/market/target/x", "x.db", "web/dist/index.html"):
            self.assertTrue(ignored(path), path)
        for path in ("Cargo.lock", "crates/ui/build.rs", "web/src/main.ts", "crates/accounts/providers/openai_costs.yaml"):
            self.assertFalse(ignored(path), path)

    def test_what_runs_is_not_root_and_says_how_it_is(self):
        made, _ = stages()
        for name in ("service", "browser"):
            steps = dict(made[name]["steps"])
            self.assertEqual(steps["USER"], "65532:65532")
            self.assertEqual(json.loads(steps["HEALTHCHECK"].split("CMD ", 1)[1]), ["/usr/local/bin/tidewatch", "healthcheck"])
            self.assertEqual(json.loads(steps["ENTRYPOINT"]), ["/usr/local/bin/tidewatch"])
        self.assertNotIn("RUN", [word for word, _ in made["service"]["steps"]], "the last stage needs no shell")

    def test_images_are_of_one_version(self):
        _, arguments = stages()
        for name, image in arguments.items():
            self.assertIn(":", image, name)
            self.assertFalse(image.endswith(":latest"), name)
        wanted = re.search(r'(?m)^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text())[1]
        self.assertIn(f":{wanted}-", arguments["RUST_IMAGE"], "the version that Cargo.toml asks for")

    def test_the_layer_of_libraries_depends_on_manifests_only(self):
        """Runs the step itself, in a copy, and lets cargo read what is left."""
        made, _ = stages()
        (step,) = [rest for word, rest in made["manifests"]["steps"] if word == "RUN"]
        find("cargo")
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name in ("Cargo.toml", "Cargo.lock"):
                shutil.copy(ROOT / name, folder)
            shutil.copytree(ROOT / "crates", folder / "crates")
            run("sh", "-c", step, cwd=folder)
            left = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
            told = {p for p in left if p.endswith("Cargo.toml") or p == "Cargo.lock"}
            for path in left - told:
                self.assertIn((folder / path).read_text(), ("", "fn main() {}\n"), path)
            run("cargo", "metadata", "--offline", "--locked", "--format-version", "1", "--no-deps", cwd=folder)
            kept = run("cargo", "tree", "--offline", "--locked", "-p", "tidewatch", "--prefix", "none", "-e", "normal,build", cwd=folder)[1]
            real = run("cargo", "tree", "--offline", "--locked", "-p", "tidewatch", "--prefix", "none", "-e", "normal,build", cwd=ROOT)[1]
            bare = lambda text: {" ".join(line.split()[:2]) for line in text.splitlines()}
            self.assertEqual(bare(kept), bare(real))
