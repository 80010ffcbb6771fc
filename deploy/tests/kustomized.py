"""Kustomize, as far as deploy/k8s uses it: enough to know that everything named exists and what comes out of it.

Resources, components, patches (inline or by path; JSON patch or merge), namespace, labels, images, replicas, generators of
config maps and secrets. Anything else in a kustomization is refused, so that this cannot silently fall behind."""

import copy
import hashlib
import json
from pathlib import Path

import yaml

from parts import documents

KNOWN = {"apiVersion", "kind", "namespace", "labels", "resources", "components", "configMapGenerator", "secretGenerator",
         "images", "replicas", "patches"}
WHOLE_CLUSTER = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
# Lists that are merged by a key; every other list is replaced.
KEYS = {"containers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath", "ports": "containerPort"}


class Broken(AssertionError):
    """A kustomization that cannot be built."""


def build(folder):
    """The documents of an overlay."""
    made = load(Path(folder), [])
    rename_generated(made)
    keys = [key(d) for d in made]
    twice = {k for k in keys if keys.count(k) > 1}
    if twice:
        raise Broken(f"{folder}: twice: {twice}")
    return made


def key(document):
    """What names a document."""
    meta = document["metadata"]
    return document["kind"], meta.get("namespace", ""), meta["name"]


def load(folder, before):
    """Documents after this kustomization has worked on `before`."""
    (said,) = documents(folder / "kustomization.yaml")
    unknown = set(said) - KNOWN
    if unknown:
        raise Broken(f"{folder}: deploy/tests/kustomized.py does not know {unknown}")
    own = []
    for name in said.get("resources", []):
        path = folder / name
        if path.is_dir():
            own += load(path, [])
        elif path.is_file():
            own += documents(path)
        else:
            raise Broken(f"{folder}: there is no {name}")
    own += generated(folder, said)
    # A component works on all that is there; an overlay on what it has brought.
    made = before + own
    for name in said.get("components", []):
        path = folder / name
        if not path.is_dir():
            raise Broken(f"{folder}: there is no component {name}")
        made = load(path, made)
    for patch in said.get("patches", []):
        apply(folder, patch, made)
    if "namespace" in said:
        for document in made:
            if document["kind"] not in WHOLE_CLUSTER:
                document["metadata"]["namespace"] = said["namespace"]
    for label in said.get("labels", []):
        for document in made:
            document["metadata"].setdefault("labels", {}).update(label["pairs"])
    for image in said.get("images", []):
        hit = [c for d in made for c in containers(d) if c["image"].split(":")[0] == image["name"]]
        if not hit:
            raise Broken(f"{folder}: no container has the image {image['name']}")
        for container in hit:
            container["image"] = f"{image['newName']}:{image['newTag']}"
    for replica in said.get("replicas", []):
        hit = [d for d in made if d["metadata"]["name"] == replica["name"] and "replicas" in d.get("spec", {})]
        if not hit:
            raise Broken(f"{folder}: nothing called {replica['name']} has replicas")
        for document in hit:
            document["spec"]["replicas"] = replica["count"]
    return made


def generated(folder, said):
    made = []
    for kind, field in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
        for one in said.get(field, []):
            data = {}
            for name in one.get("files", []):
                if not (folder / name).is_file():
                    raise Broken(f"{folder}: there is no {name}")
                data[name] = (folder / name).read_text()
            for name in one.get("envs", []):
                if not (folder / name).is_file():
                    raise Broken(f"{folder}: there is no {name}; make it first")
                data.update(line.split("=", 1) for line in (folder / name).read_text().splitlines() if line)
            meta = {"name": one["name"]} | ({"namespace": one["namespace"]} if "namespace" in one else {})
            made.append({"apiVersion": "v1", "kind": kind, "metadata": meta,
                         "data" if kind == "ConfigMap" else "stringData": data, "_generated": True})
    return made


def apply(folder, patch, made):
    text = patch.get("patch") or (folder / patch["path"]).read_text()
    change = yaml.safe_load(text)
    if isinstance(change, list):
        target = patch["target"]
        hit = [d for d in made if d["kind"] == target["kind"] and d["metadata"]["name"] == target["name"]]
        for document in hit:
            for step in change:
                json_patch(folder, document, step)
    else:
        name, space = change["metadata"]["name"], change["metadata"].get("namespace")
        hit = [d for d in made if d["kind"] == change["kind"] and d["metadata"]["name"] == name
               and space in (None, d["metadata"].get("namespace"))]
        for document in hit:
            merge(document, change)
    if len(hit) != 1:
        raise Broken(f"{folder}: a patch hits {len(hit)} documents, not one: {text[:80]!r}")


def json_patch(folder, document, step):
    *way, last = step["path"].strip("/").split("/")
    for part in way:
        document = document[int(part) if isinstance(document, list) else part]
    if step["op"] != "remove" or last not in document:
        raise Broken(f"{folder}: {step} cannot be done")
    del document[last]


def merge(into, change, name=""):
    for field, value in change.items():
        if value is None:
            into.pop(field, None)
        elif isinstance(value, dict) and isinstance(into.get(field), dict):
            merge(into[field], value, field)
        elif isinstance(value, list) and isinstance(into.get(field), list) and field in KEYS:
            by = KEYS[field]
            for item in value:
                old = next((i for i in into[field] if i[by] == item[by]), None)
                merge(old, item, field) if old else into[field].append(item)
        else:
            into[field] = copy.deepcopy(value)


def pod(document):
    """The pod that a document makes, or nothing."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec.get("template", {}).get("spec") if isinstance(spec, dict) else None


def containers(document):
    """All containers of a document."""
    spec = pod(document) or {}
    return spec.get("containers", []) + spec.get("initContainers", [])


def rename_generated(made):
    """Names of generated documents get a hash of what is in them; who names them in the same namespace follows."""
    for document in made:
        if not document.pop("_generated", False):
            continue
        kind, space, name = key(document)
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:10]
        document["metadata"]["name"] = f"{name}-{digest}"
        for other in made:
            if other["metadata"].get("namespace", "") == space:
                rename(other, kind, name, f"{name}-{digest}")


def rename(node, kind, old, new):
    ways = {"ConfigMap": [("configMap", "name"), ("configMapKeyRef", "name")],
            "Secret": [("secret", "secretName"), ("secretKeyRef", "name")]}[kind]
    if isinstance(node, dict):
        for field, inner in ways:
            if isinstance(node.get(field), dict) and node[field].get(inner) == old:
                node[field][inner] = new
        for value in node.values():
            rename(value, kind, old, new)
    elif isinstance(node, list):
        for value in node:
            rename(value, kind, old, new)
