"""The Kubernetes manifests, as kustomize builds them if installed, otherwise file by file: they fit
the schemas of Kubernetes, and what they refer to exists."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from tests.docker.files import DOCKER, amount, check_settings, document, variables

KUBERNETES = DOCKER / "kubernetes"
OVERLAYS = ("base", "production")
VERSION = "1.31"
CUSTOM = {"ServiceMonitor"}  # Kubernetes has no schema for it
SCALING = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}  # KServe's own fields
LABELS = {"app.kubernetes.io/name": "off-tanet"}

Resource = dict[str, Any]


def built(overlay: str) -> list[Resource]:
    """What `kubectl apply --kustomize` would send; the test is skipped without kubectl."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here")
    result = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / overlay)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def of_kind(kind: str, folder: str = "base") -> Resource:
    found = map(document, sorted((KUBERNETES / folder).glob("*.yaml")))
    (resource,) = (resource for resource in found if resource["kind"] == kind)
    return dict(resource)


def pods() -> Iterator[Resource]:
    """The pods of the Deployment and of KServe's service."""
    yield of_kind("Deployment")["spec"]["template"]["spec"]
    yield of_kind("InferenceService", "kserve")["spec"]["predictor"]


@pytest.mark.parametrize(
    "kind",
    [
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
    ],
)
def test_each_resource_fits_its_schema(kind: str) -> None:
    """Strictly: a misspelt field would be ignored."""
    kubernetes_validate.validate(of_kind(kind), VERSION, strict=True)


def test_the_pod_of_kserve_fits_the_schema_of_pods() -> None:
    """The other fields of an InferenceService have a schema only in a cluster with KServe."""
    predictor = of_kind("InferenceService", "kserve")["spec"]["predictor"]
    spec = {name: value for name, value in predictor.items() if name not in SCALING}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "off-tanet"}, "spec": spec}
    kubernetes_validate.validate(pod, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_kustomize_builds_fits_the_schemas(overlay: str) -> None:
    """With the patches applied."""
    resources = [resource for resource in built(overlay) if resource["kind"] not in CUSTOM]
    assert len(resources) >= 5
    for resource in resources:
        kubernetes_validate.validate(resource, VERSION, strict=True)


def test_every_selector_matches_the_pods() -> None:
    """One that matches no pod, or others, has no effect or the wrong one."""
    assert of_kind("Deployment")["spec"]["template"]["metadata"]["labels"] == LABELS
    assert of_kind("Service")["spec"]["selector"] == LABELS
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert of_kind(kind)["spec"]["selector"] == {"matchLabels": LABELS}
    assert of_kind("NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": LABELS}
    assert of_kind("ServiceMonitor", "production")["spec"]["selector"] == {"matchLabels": LABELS}


def test_every_kustomization_lists_its_folder() -> None:
    """A file that is not listed is never applied; a listed one that is missing stops the build."""
    for overlay in OVERLAYS:
        folder = KUBERNETES / overlay
        listed = document(folder / "kustomization.yaml")
        named = {*listed["resources"], *(patch["path"] for patch in listed.get("patches", ()))}
        assert named - {"../base"} | {"kustomization.yaml"} == {
            path.name for path in folder.iterdir()
        }


def test_port_names_agree() -> None:
    (container,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert f"EXPOSE {port['containerPort']}" in (DOCKER.parent / "Dockerfile").read_text("utf-8")
    (served,) = of_kind("Service")["spec"]["ports"]
    (endpoint,) = of_kind("ServiceMonitor", "production")["spec"]["endpoints"]
    assert {port["name"], served["targetPort"], served["name"], endpoint["port"]} == {"http"}
    for overlay in OVERLAYS:
        (rule,) = of_kind("NetworkPolicy", overlay)["spec"]["ingress"]
        assert [allowed["port"] for allowed in rule["ports"]] == ["http"]


def test_probes_and_scrapes_use_existing_routes(http: httpx.Client) -> None:
    """A probe of a missing route would restart a healthy service again and again."""
    (endpoint,) = of_kind("ServiceMonitor", "production")["spec"]["endpoints"]
    paths = {endpoint["path"]}
    for pod in pods():
        (container,) = pod["containers"]
        paths |= {
            container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")
        }
    assert len(paths) == 5
    assert {path: http.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_kserve_uses_the_models_name(http: httpx.Client) -> None:
    name = of_kind("InferenceService", "kserve")["metadata"]["name"]
    assert http.get(f"/v2/models/{name}").json()["name"] == name


def test_settings_exist_and_memory_suffices() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        limits = container["resources"]["limits"]
        check_settings(variables(container["env"]), int(limits["cpu"]), amount(limits["memory"]))
        assert pod["enableServiceLinks"] is False  # its OFF_TANET_PORT would be an unknown setting


def test_a_pod_ends_before_it_is_killed() -> None:
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    settings = variables(container["env"])
    grace = max(float(settings[f"OFF_TANET_{name}SHUTDOWN_TIMEOUT_S"]) for name in ("", "VIDEO_"))
    assert pause + grace < pod["terminationGracePeriodSeconds"]


def test_pods_are_restricted() -> None:
    """The image needs no root, writable file system or capability; nothing may grant them."""
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        user = pod["securityContext"]["runAsUser"]
        assert f"USER {user}:" in (DOCKER.parent / "Dockerfile").read_text("utf-8")
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_autoscaler_reads_an_exposed_metric(http: httpx.Client) -> None:
    """Without its metric, an autoscaler never scales down."""
    metrics = of_kind("HorizontalPodAutoscaler", "production")["spec"]["metrics"]
    (name,) = (metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods")
    assert f"\n{name} " in http.get("/metrics").text
