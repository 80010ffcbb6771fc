"""Documents: what is made from the program is up to date, links lead somewhere, the three READMEs name the same, `make help`
lists what is promised, every alert has its section."""

import re
import unittest

import yaml

from parts import DEPLOY, ROOT, find, run, tidewatch, tracked

READMES = ["README.md", "README.zh.md", "README.ja.md"]
TARGETS = """build test lint fmt run demo bench docker-build docker-up docker-down docker-logs docker-light-up docker-light-down
    docker-up-monitoring docker-down-monitoring dev-deps api-import-run grayscale-start grayscale-verify grayscale-clean truth chaos
    soak help""".split()


def anchor(title):
    """What GitHub makes of a title."""
    title = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", title).replace(" ", "-")


class Documents(unittest.TestCase):
    def test_the_configuration_page_is_up_to_date(self):
        made = run(ROOT / "scripts/configuration-page", env={"TIDEWATCH_BIN": str(tidewatch())})[1]
        self.assertEqual(made, (ROOT / "docs/configuration.md").read_text(), "run `make docs`")

    def test_links_lead_somewhere(self):
        wrong = []
        for page in tracked("*.md"):
            text = re.sub(r"(?s)```.*?```", "", page.read_text())
            for to in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", to):
                    continue
                path, _, part = to.partition("#")
                target = (page.parent / path) if path else page
                if not target.exists():
                    wrong.append(f"{page.relative_to(ROOT)}: {to}")
                elif part and part not in {anchor(t) for t in re.findall(r"(?m)^#+ (.*)$", target.read_text())}:
                    wrong.append(f"{page.relative_to(ROOT)}: {to} has no such section")
        self.assertEqual(wrong, [])

    def test_the_three_readmes_name_the_same(self):
        texts = {name: (ROOT / name).read_text() for name in READMES}
        commands = {name: re.findall(r"(?m)^(make [a-z-]+|target/release/tidewatch [a-z-]+(?: (?:example|import))?)", text)
                    for name, text in texts.items()}
        links = {name: set(re.findall(r"\]\(((?:docs|deploy|ARCHITECTURE|CHANGELOG|LICENSE)[^)]*)\)", text))
                 for name, text in texts.items()}
        for name in READMES[1:]:
            self.assertEqual(set(commands["README.md"]) ^ set(commands[name]), set(), f"commands of {name}")
            self.assertEqual(links["README.md"] ^ links[name], set(), f"links of {name}")
            for other in READMES:
                if other != name:
                    self.assertIn(other, texts[name])
        tables = {name: re.findall(r"(?m)^\| `([^`]+)` \|", text) for name, text in texts.items()}
        self.assertEqual(tables["README.md"], tables["README.zh.md"])
        self.assertEqual(tables["README.md"], tables["README.ja.md"])
        blocks = {name: [re.sub(r"\s+#.*", "", block) for block in re.findall(r"(?s)```\w+\n(.*?)```", text)]
                  for name, text in texts.items()}
        for name in READMES[1:]:
            self.assertEqual(blocks["README.md"], blocks[name], f"blocks of {name}")
        titles = {name: len(re.findall(r"(?m)^## ", text)) for name, text in texts.items()}
        self.assertEqual(len(set(titles.values())), 1, f"sections: {titles}")

    def test_make_help_lists_what_is_promised(self):
        listed = {line.split()[0] for line in run("make", "-s", "-C", ROOT, "help")[1].splitlines() if line.strip()}
        self.assertEqual(set(TARGETS) - listed, set())
        for target in TARGETS:
            run("make", "-n", "-s", "-C", ROOT, target, "FILE=x.json")

    def test_every_alert_has_its_section(self):
        runbook = (ROOT / "docs/operations/runbook.md").read_text()
        titles = set(re.findall(r"(?m)^### (\w+)$", runbook))
        alerts = set()
        for file in (DEPLOY / "prometheus/rules").glob("*.yml"):
            for group in yaml.safe_load(file.read_text())["groups"]:
                alerts |= {rule["alert"] for rule in group["rules"] if "alert" in rule}
        self.assertGreater(len(alerts), 10)
        self.assertEqual(alerts ^ titles, set())

    def test_paths_in_the_documents_exist(self):
        wrong = []
        for page in tracked("README*.md", "docs/operations/*.md", "docs/migration/*.md", "docs/etiquette.md"):
            for path in re.findall(r"`((?:deploy|scripts|docs)/[\w./*-]+)`", page.read_text()):
                if path not in ("deploy/.env",) and not list(ROOT.glob(path.rstrip("/"))):
                    wrong.append(f"{page.relative_to(ROOT)}: {path}")
        self.assertEqual(wrong, [])

    def test_the_licence_is_there(self):
        self.assertTrue((ROOT / "LICENSE").read_text().startswith("MIT License"))
