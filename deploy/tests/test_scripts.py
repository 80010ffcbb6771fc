"""Scripts: shellcheck, and what installs really installs."""

import gzip
import base64
import os
import tempfile
import unittest
from pathlib import Path

from parts import DEPLOY, ROOT, find, run, tidewatch, tracked


def is_script(path):
    with open(path, "rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash"))


class Scripts(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        scripts = [p for p in tracked() if is_script(p)]
        self.assertGreater(len(scripts), 12)
        run(find("shellcheck"), *scripts)

    def test_scripts_can_be_run(self):
        for path in tracked():
            if is_script(path) and path.name != "user-data":
                self.assertTrue(os.access(path, os.X_OK), f"{path} is not executable")

    def test_secrets_are_made_once_and_for_the_owner_only(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "env"
            file.write_text("MYSQL_PASSWORD=kept\nREDIS_PASSWORD=\n")
            run(ROOT / "scripts/compose-env", file)
            made = dict(line.split("=", 1) for line in file.read_text().splitlines())
            self.assertEqual(made["MYSQL_PASSWORD"], "kept")
            self.assertRegex(made["REDIS_PASSWORD"], "^[0-9a-f]{64}$")
            self.assertEqual(len(set(made.values())), len(made), "two secrets are the same")
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            run(ROOT / "scripts/compose-env", file)
            self.assertEqual(dict(line.split("=", 1) for line in file.read_text().splitlines()), made)


class Install(unittest.TestCase):
    def test_installs_and_takes_away_again(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "root"
            root.mkdir()
            install = lambda *more: run(ROOT / "scripts/install", *more, env={"ROOT": str(root)})
            install(tidewatch())
            program = root / "usr/local/bin/tidewatch"
            self.assertIn("tidewatch", run(program, "version")[1])
            run(program, "config", "check", "--config", root / "etc/tidewatch/tidewatch.yaml")
            self.assertEqual((root / "etc/tidewatch").stat().st_mode & 0o777, 0o750)
            self.assertTrue((root / "var/lib/tidewatch").is_dir())
            self.check_unit(root, "tidewatch.service")
            install("--worker", tidewatch())
            self.check_unit(root, "tidewatch-worker.service")
            self.assertEqual((root / "etc/tidewatch/worker.env").stat().st_mode & 0o777, 0o600)

            (root / "etc/tidewatch/tidewatch.yaml").write_text("server: {listen: 127.0.0.1:9}\n")
            install(tidewatch())
            self.assertIn("127.0.0.1:9", (root / "etc/tidewatch/tidewatch.yaml").read_text(), "a new program keeps the settings")

            install("--uninstall")
            self.assertFalse(program.exists())
            self.assertTrue((root / "etc/tidewatch/tidewatch.yaml").exists(), "settings stay")
            install("--uninstall", "--purge")
            left = [p for p in root.rglob("*") if p.is_file()]
            self.assertEqual(left, [])

    def check_unit(self, root, unit):
        """As installed, but for the place of the program."""
        text = (root / "etc/systemd/system" / unit).read_text()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / unit
            copy.write_text(text.replace("/usr/local/bin/tidewatch", str(root / "usr/local/bin/tidewatch")))
            got = run(find("systemd-analyze"), "verify", "--man=no", copy, ok=False)
        complaints = [line for line in (got[1] + got[2]).splitlines() if "tidewatch" in line]
        self.assertEqual(complaints, [], "systemd-analyze verify")

    def test_units_are_hardened(self):
        analyze = find("systemd-analyze")
        for unit in ("tidewatch.service", "tidewatch-worker.service"):
            # The scale goes from 0 (shut in) to 100; an ordinary service has 96.
            run(analyze, "security", "--offline=true", "--no-pager", "--threshold=20", DEPLOY / "systemd" / unit)


class UserData(unittest.TestCase):
    def test_user_data_are_whole_and_fit(self):
        made = run(DEPLOY / "aws/user-data-for", env={
            "REGION": "ap-northeast-1", "PROGRAM": "s3://bucket/tidewatch/tidewatch", "SHA256": "a" * 64,
            "REDIS_PARAMETER": "/tidewatch/redis-url"})[1]
        self.assertNotRegex(made, "(?m)@[A-Z_0-9]+@")
        self.assertIn("ExecStart=/usr/local/bin/tidewatch worker", made)
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
            file.write(made)
            file.flush()
            run(find("shellcheck"), file.name)
        packed = base64.b64encode(gzip.compress(made.encode(), 9))
        self.assertLessEqual(len(packed), 4096, "a parameter of CloudFormation")

    def test_user_data_refuse_what_could_break_out(self):
        for name, value in (("PROGRAM", "s3://b/x'; reboot; '"), ("SHA256", "abc"), ("REDIS_PARAMETER", "/a b")):
            env = {"REGION": "r", "PROGRAM": "s3://b/x", "SHA256": "a" * 64, "REDIS_PARAMETER": "/a", name: value}
            self.assertEqual(run(DEPLOY / "aws/user-data-for", ok=False, env=env)[0], 2, name)

    def test_the_stack_is_a_valid_template(self):
        import sys
        run(find("cfn-lint", Path(sys.executable).parent / "cfn-lint"), DEPLOY / "aws/spot.yaml")
