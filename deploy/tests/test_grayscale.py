"""A new program beside a running one: the same answers are found to be the same, others are not."""

import os
import sqlite3
import subprocess
import tempfile
import unittest
from pathlib import Path

from parts import ROOT, answers, free_port, run, tidewatch, wait_until

KEY = "an-admin-key-of-a-test-0123456789"
SETTINGS = """
market:
  base_url: http://127.0.0.1:9
  ips: [{name: 初音ミク, category: vocaloid}, {name: 鬼滅の刃}]
accounts:
  allow_private: true
  base_urls: ["openrouter: http://127.0.0.1:9"]
  list: [{name: prod, provider: openrouter, secret: s3cret, thresholds: ["50"]}]
"""


class Grayscale(unittest.TestCase):
    def test_a_copy_answers_the_same_and_a_changed_one_does_not(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        folder = Path(holder.name)
        (folder / "tidewatch.yaml").write_text(SETTINGS)
        old, new = free_port(), free_port()
        with open(folder / "log", "wb") as log:
            running = subprocess.Popen(
                [tidewatch(), "serve", "--config", folder / "tidewatch.yaml", "--data-dir", folder / "data",
                 "--listen", f"127.0.0.1:{old}"], stdout=log, stderr=log,
                env={**os.environ, "TIDEWATCH_AUTH__ADMIN_KEY": KEY})
        self.addCleanup(running.wait, 40)
        self.addCleanup(running.terminate)
        wait_until(lambda: answers(f"http://127.0.0.1:{old}/ready"), "tidewatch serve")

        copy = folder / "copy"
        step = lambda *words, ok=True: run(ROOT / "scripts/grayscale", *words, ok=ok,
                                           env={"GRAYSCALE_DIR": str(copy), "TIDEWATCH_ADMIN_KEY": KEY})
        begin = ("start", tidewatch(), "--running", f"http://127.0.0.1:{old}", "--data-dir", folder / "data",
                 "--listen", f"127.0.0.1:{new}")
        step(*begin)
        self.addCleanup(lambda: step("clean"))
        code, out, err = step("verify", ok=False)
        self.assertEqual(code, 0, out + err)
        self.assertIn("same     /api/v1/ips/1/stats/hourly", out)
        self.assertNotIn("failed", (copy / "log").read_text(), "the copy has looked at something")

        with sqlite3.connect(copy / "data/tidewatch.db") as db:
            db.execute("UPDATE accounts SET name = 'other'")
        code, out, _ = step("verify", ok=False)
        self.assertEqual(code, 1)
        self.assertIn('.data[0].name: "prod" is now "other"', out)

        self.assertNotEqual(step(*begin, ok=False)[0], 0, "two at once")
        step("clean")
        self.assertFalse(copy.exists())
        self.assertFalse(answers(f"http://127.0.0.1:{new}/live"))
        self.assertTrue(answers(f"http://127.0.0.1:{old}/live"), "the running one was left alone")
