"""The manifests: what kustomize makes of them, against the schemas of Kubernetes, KEDA and the Prometheus operator; that all
that is named is there; and the numbers that are promised."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

import kustomized
from parts import DEPLOY, ROOT, documents, find, missing, run, tidewatch, tracked
from program import unknown_arguments, unknown_variables

K8S = DEPLOY / "k8s"
VERSION = "1.34"
CUSTOM = {"ScaledObject", "TriggerAuthentication", "PodMonitor", "ServiceMonitor"}


def copied(overlay):
    """The overlays in a copy, in which the trial's secrets are made."""
    folder = tempfile.TemporaryDirectory()
    shutil.copytree(K8S, Path(folder.name) / "k8s", ignore=shutil.ignore_patterns("secrets.env"))
    place = Path(folder.name) / "k8s/overlays" / overlay
    if (place / "make-secrets").exists():
        run(place / "make-secrets")
    return folder, place


class Overlay:
    """What is true of every overlay."""

    name = ""

    @classmethod
    def setUpClass(cls):
        folder, cls.place = copied(cls.name)
        cls.addClassCleanup(folder.cleanup)
        cls.made = kustomized.build(cls.place)

    def one(self, kind, name):
        (found,) = [d for d in self.made if d["kind"] == kind and d["metadata"]["name"] == name]
        return found

    def test_every_document_has_the_form_of_its_kind(self):
        import kubernetes_validate
        for document in self.made:
            if document["kind"] not in CUSTOM:
                try:
                    kubernetes_validate.validate(document, VERSION, strict=True)
                except kubernetes_validate.ValidationError as wrong:
                    self.fail(f"{kustomized.key(document)}: {wrong.message}")

    def test_custom_documents_have_the_form_of_their_definitions(self):
        packages = ROOT / "target/deploy-npm"
        if not (packages / "node_modules/@kubernetes-models").is_dir():
            missing("the schemas of KEDA and the Prometheus operator (npm)")
        custom = [d for d in self.made if d["kind"] in CUSTOM]
        # As text, so that its imports are looked for where the packages are.
        script = (DEPLOY / "tests/custom.mjs").read_text()
        got = subprocess.run([find("node"), "--input-type=module", "--eval", script], input=json.dumps(custom), text=True,
                             capture_output=True, cwd=packages)
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)

    def test_what_is_named_is_there(self):
        names = {kustomized.key(d) for d in self.made}
        secrets = self.secrets()
        for document in self.made:
            space = document["metadata"].get("namespace", "")
            spec = kustomized.pod(document)
            if spec is None:
                continue
            where = kustomized.key(document)
            if "serviceAccountName" in spec:
                self.assertIn(("ServiceAccount", space, spec["serviceAccountName"]), names, where)
            volumes = {v["name"] for v in spec.get("volumes", [])}
            volumes |= {c["metadata"]["name"] for c in document["spec"].get("volumeClaimTemplates", [])}
            for volume in spec.get("volumes", []):
                if "configMap" in volume:
                    self.assertIn(("ConfigMap", space, volume["configMap"]["name"]), names, where)
                if "secret" in volume:
                    for item in volume["secret"]["items"]:
                        self.assertIn(item["key"], secrets, where)
            for container in kustomized.containers(document):
                mounted = {m["name"] for m in container.get("volumeMounts", [])}
                self.assertLessEqual(mounted, volumes, where)
                if kustomized.key(document)[0] in ("Deployment", "CronJob"):
                    self.assertLessEqual(volumes, mounted, f"{where}: a volume that nobody mounts")
                for variable in container.get("env", []):
                    wanted = variable.get("valueFrom", {}).get("secretKeyRef")
                    if wanted:
                        self.assertIn(wanted["key"], secrets, where)
        for document in self.made:
            if document["kind"] in ("RoleBinding", "ClusterRoleBinding"):
                for subject in document["subjects"]:
                    self.assertIn((subject["kind"], subject["namespace"], subject["name"]), names)
                role, space = document["roleRef"], document["metadata"].get("namespace", "")
                self.assertIn((role["kind"], space if role["kind"] == "Role" else "", role["name"]), names)
            if document["kind"] == "Ingress":
                for rule in document["spec"]["rules"]:
                    for path in rule["http"]["paths"]:
                        self.assertIn(("Service", "tidewatch", path["backend"]["service"]["name"]), names)
            if document["kind"] == "ScaledObject":
                self.assertIn(("Deployment", "tidewatch", document["spec"]["scaleTargetRef"]["name"]), names)
                for trigger in document["spec"]["triggers"]:
                    self.assertIn(("TriggerAuthentication", "tidewatch", trigger["authenticationRef"]["name"]), names)
            if document["kind"] == "TriggerAuthentication":
                for wanted in document["spec"]["secretTargetRef"]:
                    self.assertIn(wanted["key"], secrets)

    def secrets(self):
        """Keys of the secret that this overlay has, or wants to be given."""
        for document in self.made:
            if document["kind"] == "Secret":
                return set(document["stringData"])
        (template,) = documents(K8S / "secrets.template.yaml")
        return set(template["stringData"])

    def test_services_and_budgets_find_their_pods(self):
        pods = [(d["metadata"].get("namespace", ""), d["spec"]["template"]["metadata"]["labels"]) for d in self.made
                if d["kind"] in ("Deployment", "StatefulSet", "DaemonSet")]
        for document in self.made:
            if document["kind"] == "Service":
                wanted = document["spec"]["selector"]
            elif document["kind"] in ("PodDisruptionBudget", "Deployment", "StatefulSet", "DaemonSet"):
                wanted = document["spec"]["selector"]["matchLabels"]
            else:
                continue
            space = document["metadata"].get("namespace", "")
            hit = [p for s, p in pods if s == space and wanted.items() <= p.items()]
            self.assertEqual(len(hit), 0 if document["metadata"]["name"] == "tidewatch-closed" else 1, kustomized.key(document))

    def test_the_program_understands_what_it_is_given(self):
        seen = 0
        for document in self.made:
            for container in kustomized.containers(document):
                if container["name"] == "tidewatch":
                    seen += 1
                    self.assertEqual(unknown_arguments(container["args"]), [])
                    self.assertEqual(unknown_variables(v["name"] for v in container["env"]), [])
        self.assertEqual(seen, 2)
        (config,) = [d for d in self.made if d["kind"] == "ConfigMap" and "tidewatch.yaml" in d["data"]]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(config["data"]["tidewatch.yaml"].replace("/etc/tidewatch-secrets/metrics-key", file.name))
            file.flush()
            run(tidewatch(), "config", "check", "--config", file.name)

    def test_pods_of_the_product_are_shut_in(self):
        for document in self.made:
            if document["metadata"].get("namespace") != "tidewatch":
                continue
            for container in kustomized.containers(document):
                rights = container["securityContext"]
                self.assertIs(rights["allowPrivilegeEscalation"], False)
                self.assertEqual(rights["capabilities"], {"drop": ["ALL"]})
                shared = kustomized.pod(document)["securityContext"]
                self.assertIs(shared["runAsNonRoot"], True)
                self.assertEqual(shared["seccompProfile"], {"type": "RuntimeDefault"})

    def test_kubectl_makes_the_same(self):
        """Where kubectl is there; it holds this against the real kustomize."""
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            self.skipTest("kubectl is not here; deploy/tests/kustomized.py has built it")
        theirs = [d for d in yaml.safe_load_all(run(kubectl, "kustomize", self.place)[1]) if d]
        bare = lambda d: (d["kind"], d["metadata"].get("namespace", ""), self.without_hash(d))
        ours = {bare(d): self.comparable(d) for d in self.made}
        self.assertEqual({bare(d) for d in theirs}, set(ours))
        for document in theirs:
            self.assertEqual(self.comparable(document), ours[bare(document)], bare(document))

    @staticmethod
    def without_hash(document):
        name = document["metadata"]["name"]
        if document["kind"] not in ("ConfigMap", "Secret"):
            return name
        files = document.get("data") or document.get("stringData")
        return name.rsplit("-", 1)[0] + ":" + ",".join(sorted(files))

    def comparable(self, document):
        """Without the names of what is generated: the two hash differently."""
        document = json.loads(json.dumps(document))
        document["metadata"]["name"] = self.without_hash(document)
        if document["kind"] == "Secret":
            document["type"] = document["data"] = document["stringData"] = None
        for volume in (kustomized.pod(document) or {}).get("volumes", []):
            for kind, field in (("configMap", "name"), ("secret", "secretName")):
                if kind in volume:
                    volume[kind][field] = volume[kind][field].split("-")[0]
        for container in kustomized.containers(document):
            for variable in container.get("env", []):
                variable.get("valueFrom", {}).pop("secretKeyRef", None)
        return document


class Production(Overlay, unittest.TestCase):
    name = "production"

    def test_probes_and_resources_are_what_is_promised(self):
        serve = self.one("Deployment", "tidewatch-serve")
        (container,) = kustomized.containers(serve)
        timing = lambda probe, *fields: tuple(container[probe].get(f) for f in fields)
        self.assertEqual(timing("readinessProbe", "initialDelaySeconds", "periodSeconds", "failureThreshold"), (10, 5, 2))
        self.assertEqual(timing("livenessProbe", "initialDelaySeconds", "periodSeconds", "failureThreshold"), (30, 30, 3))
        self.assertEqual(timing("startupProbe", "periodSeconds", "failureThreshold"), (5, 12))
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/ready")
        self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/live")
        self.assertEqual(container["lifecycle"]["preStop"], {"sleep": {"seconds": 15}})
        self.assertEqual(container["resources"]["requests"], {"cpu": "250m", "memory": "256Mi"})
        self.assertEqual(self.one("PodDisruptionBudget", "tidewatch-serve")["spec"]["minAvailable"], 1)

    def test_workers_are_probed_and_scraped(self):
        (container,) = kustomized.containers(self.one("Deployment", "tidewatch-worker"))
        (port,) = container["ports"]
        self.assertEqual(container["args"][1:], ["--listen", f"0.0.0.0:{port['containerPort']}"])
        self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/ready", "port": port["name"]})
        self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/live", "port": port["name"]})
        monitor = self.one("PodMonitor", "tidewatch-worker")["spec"]
        self.assertEqual([e["port"] for e in monitor["podMetricsEndpoints"]], [port["name"]])
        (rule,) = self.one("NetworkPolicy", "tidewatch-worker")["spec"]["ingress"]
        self.assertEqual([p["port"] for p in rule["ports"]], [port["containerPort"]])

    def test_a_stop_has_time_to_end(self):
        from program import schema
        grace = schema()["properties"]["engine"]["properties"]["shutdown_grace"]["default"]
        self.assertEqual(grace, "30s")
        for name, before in (("tidewatch-serve", 15), ("tidewatch-worker", 0)):
            given = kustomized.pod(self.one("Deployment", name))["terminationGracePeriodSeconds"]
            self.assertGreater(given, before + 30)

    def test_workers_follow_the_stream(self):
        spec = self.one("ScaledObject", "tidewatch-worker")["spec"]
        self.assertEqual((spec["minReplicaCount"], spec["maxReplicaCount"]), (0, 5))
        self.assertEqual((spec["pollingInterval"], spec["cooldownPeriod"]), (15, 120))
        (trigger,) = spec["triggers"]
        self.assertEqual(trigger["type"], "redis-streams")
        self.assertIn("lagCount", trigger["metadata"])
        source = "".join(p.read_text() for p in tracked("crates/*/src/*.rs", "crates/*/src/**/*.rs"))
        for name in ("stream", "consumerGroup"):
            self.assertIn(f'"{trigger["metadata"][name]}"', source, f"the program has no such {name}")
        self.assertNotIn("replicas", self.one("Deployment", "tidewatch-worker")["spec"], "two hands on one number")

    def test_the_spot_scaler_looks_every_minute_and_waits_fifteen(self):
        job = self.one("CronJob", "spot-scaler")
        self.assertEqual(job["spec"]["schedule"], "* * * * *")
        env = {v["name"]: v["value"] for v in kustomized.containers(job)[0]["env"]}
        self.assertEqual(env["IDLE_SECONDS"], "900")

    def test_the_ingress_closes_what_is_not_for_outside(self):
        (rule,) = self.one("Ingress", "tidewatch")["spec"]["rules"]
        to = {p["path"]: p["backend"]["service"]["name"] for p in rule["http"]["paths"]}
        self.assertEqual(to, {"/metrics": "tidewatch-closed", "/api/v1/admin": "tidewatch-closed", "/": "tidewatch"})

    def test_no_secret_is_in_the_repository(self):
        (template,) = documents(K8S / "secrets.template.yaml")
        self.assertEqual(set(template["stringData"].values()), {""})
        made = run(K8S / "make-secret", env={"STORE_URL": "mysql://t:a@h/t", "REDIS_URL": "redis://u:p:w@h:6379/0"})[1]
        filled = yaml.safe_load(made)["stringData"]
        self.assertEqual(set(filled), set(template["stringData"]))
        self.assertEqual(filled["redis-password"], "p:w")
        self.assertNotIn("", filled.values())


class Trial(Overlay, unittest.TestCase):
    name = "trial"
