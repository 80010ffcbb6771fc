"""The compose files: against the schema of the specification, with what they name there, and without a password."""

import json
import re
import tempfile
import unittest
from pathlib import Path

import yaml

from parts import DEPLOY, ROOT, documents, find, missing, run, tidewatch
from program import unknown_arguments, unknown_variables

FILES = [DEPLOY / "compose.yml", DEPLOY / "compose.light.yml"]
# ${NAME}, ${NAME:-default}, ${NAME:?message}; $$ is a dollar sign.
HOLE = re.compile(r"\$\$|\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def template():
    """The names that deploy/.env.example has: those that must be filled in, and those that may be."""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    must = {line.rstrip("=") for line in lines if re.fullmatch(r"[A-Z_]+=", line)}
    may = {m[1] for line in lines if (m := re.match(r"# ([A-Z_]+)=", line))}
    return must, may


def filled(node, values):
    """A document with its holes filled in, as compose does it."""
    if isinstance(node, dict):
        return {k: filled(v, values) for k, v in node.items()}
    if isinstance(node, list):
        return [filled(v, values) for v in node]
    if not isinstance(node, str):
        return node

    def fill(hole):
        name, how, rest = hole.groups()
        if name is None:
            return "$"
        if values.get(name):
            return values[name]
        if how == "?" or how is None:
            raise AssertionError(f"{name} is missing: {rest}")
        return rest
    return HOLE.sub(fill, node)


class Compose(unittest.TestCase):
    def setUp(self):
        self.must, self.may = template()
        self.values = {name: "made-" + name.lower() for name in self.must}

    def load(self, file):
        (said,) = documents(file)
        return filled(said, self.values)

    def test_they_have_the_form_of_the_specification(self):
        import jsonschema
        package = ROOT / "target/deploy-npm/node_modules/dclint/schemas/compose.schema.json"
        if not package.exists():
            missing("the schema of compose files (npm)")
        schema = json.loads(package.read_text())
        for file in FILES:
            wrong = [f"{file.name} {'/'.join(map(str, e.path))}: {e.message}"
                     for e in jsonschema.Draft7Validator(schema).iter_errors(self.load(file))]
            self.assertEqual(wrong, [])

    def test_every_hole_is_in_the_template(self):
        for file in FILES:
            for name, how, _ in HOLE.findall(file.read_text()):
                if name:
                    self.assertIn(name, self.must | self.may, file.name)
                    if name in self.must:
                        self.assertIn(how, ("?",), f"{file.name}: {name} must stop compose when it is missing")

    def test_no_secret_has_a_default(self):
        for file in FILES:
            (said,) = documents(file)
            with self.assertRaises(AssertionError) if file.name == "compose.yml" else self.subTest():
                filled(said, {})
            for secret in said["secrets"].values():
                self.assertIn(secret["environment"], self.must)
            for service in said["services"].values():
                for name, value in (service.get("environment") or {}).items():
                    if re.search("PASSWORD|SECRET|_KEY$|AUTH$", name) and not name.endswith("_FILE"):
                        self.assertRegex(value, r"^\$\{[A-Z_]+:\?", name)

    def test_what_is_named_is_there(self):
        for file in FILES:
            said = self.load(file)
            for name, service in said["services"].items():
                for secret in service.get("secrets", []):
                    self.assertIn(secret, said["secrets"])
                for other in service.get("depends_on", []):
                    self.assertIn(other, said["services"])
                networks = service.get("networks", [])
                self.assertLessEqual(set(networks), set(said.get("networks", {})))
                for volume in service.get("volumes", []):
                    source = volume.split(":")[0]
                    if source.startswith("."):
                        self.assertTrue((DEPLOY / source).exists(), f"{name}: {source}")
                    elif not source.startswith("/"):
                        self.assertIn(source, said["volumes"])

    def test_roles_and_profiles(self):
        services = self.load(FILES[0])["services"]
        by_profile = {}
        for name, service in services.items():
            by_profile.setdefault(tuple(service.get("profiles", [])), set()).add(name)
        self.assertEqual(by_profile[()], {"migrate", "serve", "worker", "mysql", "redis"})
        self.assertEqual(by_profile[("monitoring",)], {"prometheus", "grafana", "alloy"})
        self.assertEqual(services["serve"]["command"], ["serve", "--no-workers"])
        worker = services["worker"]["environment"]
        self.assertFalse([name for name in worker if "STORE" in name], "workers need Redis only")
        light = self.load(FILES[1])["services"]
        self.assertEqual(set(light), {"tidewatch"})
        self.assertEqual(light["tidewatch"]["environment"]["TIDEWATCH_MARKET__ENABLED"], "false")

    def test_the_program_understands_what_it_is_given(self):
        for file in FILES:
            for name, service in self.load(file)["services"].items():
                if service["image"].startswith("tidewatch"):
                    self.assertEqual(unknown_arguments(service.get("command", ["serve"])), [], name)
                    self.assertEqual(unknown_variables(service["environment"]), [], name)

    def test_the_light_one_starts_with_these_variables(self):
        """The variables and secrets as the container gets them, read by the real program."""
        service = self.load(FILES[1])["services"]["tidewatch"]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            run(ROOT / "scripts/compose-env", folder / "env")
            made = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
            for name, secret in self.load(FILES[1])["secrets"].items():
                (folder / name).write_text(made[secret["environment"]])
            there = lambda text: text.replace("/run/secrets", str(folder))
            (folder / "tidewatch.yaml").write_text(there((DEPLOY / "compose/tidewatch.yaml").read_text()))
            env = {name: there(str(value)) for name, value in service["environment"].items()}
            run(tidewatch(), "config", "check", "--config", folder / "tidewatch.yaml", env=env)
            shown = run(tidewatch(), "config", "show", "--config", folder / "tidewatch.yaml", env=env)[1]
            self.assertNotIn(made["TIDEWATCH_ADMIN_KEY"], shown)
            self.assertRegex(shown, r"(?m)^.*market\.enabled.*false")

    def test_ports_are_published_on_this_machine_only(self):
        for file in FILES:
            for name, service in self.load(file)["services"].items():
                for port in service.get("ports", []):
                    if name != "nginx":
                        self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")

    def test_only_nginx_is_believed_what_it_says_of_clients(self):
        services = self.load(FILES[0])["services"]
        (config,) = documents(DEPLOY / "compose/tidewatch.yaml")
        address = services["nginx"]["networks"]["edge"]["ipv4_address"]
        self.assertEqual(config["server"]["trusted_proxies"], [f"{address}/32"])

    def test_prometheus_takes_its_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "key").write_text("k")
            text = (DEPLOY / "compose/prometheus.yml").read_text().replace("/run/secrets/metrics-key", str(folder / "key"))
            (folder / "prometheus.yml").write_text(text)
            (folder / "rules").symlink_to(DEPLOY / "prometheus/rules")
            out = run(find("promtool"), "check", "config", folder / "prometheus.yml")[1]
            self.assertIn("rules found", out)
