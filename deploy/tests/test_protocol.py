"""The messages between processes against the real protobuf library."""
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
SAMPLES = {"request": "CrawlRequest", "response": "CrawlResponse", "response-failed": "CrawlResponse"}


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={folder.name}", "crawler.proto"]
        subprocess.run(command, check=True, cwd=PROTO)
        spec = importlib.util.spec_from_file_location("crawler_pb2", Path(folder.name) / "crawler_pb2.py")
        cls.messages = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(cls.messages)

    def test_what_is_written_is_protojson(self):
        from google.protobuf import json_format
        for name, kind in SAMPLES.items():
            text = (PROTO / "samples" / f"{name}.json").read_text()
            message = json_format.Parse(text, getattr(self.messages, kind)(), ignore_unknown_fields=False)
            self.assertEqual(json.loads(json_format.MessageToJson(message)), json.loads(text), name)

    def test_the_numbers_of_the_crawler_replaced_are_kept(self):
        old = {
            "CrawlRequest": {"ip_id": 1, "keyword": 2, "task_id": 4, "created_at": 5, "retry_count": 9, "pages_on_sale": 10, "pages_sold": 11},
            "Item": {"source_id": 1, "title": 2, "price": 3, "image_url": 4, "item_url": 5, "status": 6},
            "CrawlResponse": {"ip_id": 1, "items": 3, "total_found": 4, "error_message": 5, "task_id": 6, "crawled_at": 7,
                              "pages_crawled": 10, "retry_count": 11},
        }
        for kind, fields in old.items():
            descriptor = getattr(self.messages, kind).DESCRIPTOR
            self.assertEqual(descriptor.file.package, "crawler")
            for name, number in fields.items():
                self.assertEqual(descriptor.fields_by_name[name].number, number, f"{kind}.{name}")
            for field in descriptor.fields:
                if field.name not in fields:
                    self.assertGreaterEqual(field.number, 20, f"{kind}.{field.name}: new fields take new numbers")


if __name__ == "__main__":
    unittest.main()
