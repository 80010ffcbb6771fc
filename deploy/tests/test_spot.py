"""The spot scaler against stand-ins of kubectl and aws, the watch against a stand-in of the machine's metadata."""

import http.server
import json
import os
import tempfile
import threading
import unittest
from pathlib import Path

from parts import DEPLOY, find, run

SPOT = DEPLOY / "k8s/components/spot"


def pod(node=None, unschedulable=False):
    status = {"phase": "Running" if node else "Pending"}
    if unschedulable:
        status["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    return {"spec": {"nodeName": node} if node else {}, "status": status}


def node(name, idle_since=None):
    notes = {"tidewatch.dev/idle-since": str(idle_since)} if idle_since is not None else {}
    return {"metadata": {"name": name, "annotations": notes}, "spec": {"providerID": f"aws:///zone/i-{name}"}}


class Scaler(unittest.TestCase):
    def look(self, pods, nodes, desired, least=0, most=5, now=10_000):
        """One look; gives what it told kubectl and aws to change."""
        find("jq")
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "pods").write_text(json.dumps({"items": pods}))
            (folder / "nodes").write_text(json.dumps({"items": nodes}))
            groups = {"AutoScalingGroups": [{"DesiredCapacity": desired, "MinSize": least, "MaxSize": most}]}
            (folder / "group").write_text(json.dumps(groups))
            (folder / "kubectl").write_text(
                f'#!/bin/sh\ncase "$1 $2" in "get pods") cat {folder}/pods;; "get nodes") cat {folder}/nodes;;'
                f' *) echo "kubectl $*" >> {folder}/told;; esac\n')
            (folder / "aws").write_text(
                f'#!/bin/sh\ncase "$2" in describe*) cat {folder}/group;; *) echo "aws $*" >> {folder}/told;; esac\n')
            for program in ("kubectl", "aws"):
                (folder / program).chmod(0o755)
            run("bash", SPOT / "scale", env={
                "PATH": f"{folder}:{os.environ['PATH']}", "ASG": "g", "NAMESPACE": "tidewatch", "PODS_PER_NODE": "4",
                "IDLE_SECONDS": "900", "NOW": str(now)})
            told = folder / "told"
            return told.read_text().splitlines() if told.exists() else []

    def raise_to(self, number):
        return [f"aws autoscaling set-desired-capacity --auto-scaling-group-name g --desired-capacity {number}"]

    def test_pods_without_a_node_raise_the_group(self):
        self.assertEqual(self.look([pod(unschedulable=True)], [], desired=0), self.raise_to(1))
        self.assertEqual(self.look([pod(unschedulable=True)] * 5, [], desired=0), self.raise_to(2))

    def test_nodes_that_are_coming_are_not_asked_for_again(self):
        self.assertEqual(self.look([pod(unschedulable=True)], [], desired=1), [])

    def test_the_group_has_an_end(self):
        waiting = [pod(unschedulable=True)] * 40
        self.assertEqual(self.look(waiting, [], desired=0, most=3), self.raise_to(3))
        self.assertEqual(self.look(waiting, [], desired=3, most=3), [])

    def test_pods_that_are_just_starting_raise_nothing(self):
        self.assertEqual(self.look([pod()], [], desired=0), [])

    def test_an_idle_node_is_noted_then_given_back_after_fifteen_minutes(self):
        self.assertEqual(self.look([], [node("a")], desired=1), ["kubectl annotate node a tidewatch.dev/idle-since=10000"])
        self.assertEqual(self.look([], [node("a", 9_101)], desired=1), [])
        self.assertEqual(self.look([], [node("a", 9_100)], desired=1), [
            "kubectl cordon a",
            "aws autoscaling terminate-instance-in-auto-scaling-group --instance-id i-a --should-decrement-desired-capacity"])

    def test_a_node_with_work_again_is_not_idle(self):
        self.assertEqual(self.look([pod("a")], [node("a", 9_000)], desired=1),
                         ["kubectl annotate node a tidewatch.dev/idle-since-"])

    def test_the_least_number_stays(self):
        self.assertEqual(self.look([], [node("a", 0), node("b", 0)], desired=2, least=1)[:1], ["kubectl cordon a"])
        self.assertEqual(len(self.look([], [node("a", 0), node("b", 0)], desired=2, least=1)), 2)
        self.assertEqual(self.look([], [node("a", 0)], desired=1, least=1), [])


class Metadata(http.server.BaseHTTPRequestHandler):
    """Says twice that nothing is planned, then that the machine is taken back; wants a token each time."""

    asked = []

    def do_PUT(self):
        self.answer(200 if self.path == "/latest/api/token" else 404, b"secret")

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != "secret":
            return self.answer(401, b"")
        self.asked.append(self.path)
        self.answer(404 if len(self.asked) < 3 else 200, b'{"action": "terminate"}')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Watch(unittest.TestCase):
    def test_a_notice_runs_the_command_once(self):
        find("curl")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        out = run("bash", SPOT / "watch", "echo", "drained",
                  env={"IMDS": f"http://127.0.0.1:{server.server_port}", "PAUSE": "0.05"})[1]
        self.assertEqual(out, "drained\n")
        self.assertEqual(Metadata.asked, ["/latest/meta-data/spot/instance-action"] * 3)
