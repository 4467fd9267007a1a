"""The Helm chart: what it renders fits the schemas of Kubernetes and the settings of the service.

python -m tests.docker.test_helm        renders the examples again; needs `helm-python-sdk`

The rendered examples are files, so that they are checked where Helm is not installed, too.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from off_tanet.api.middleware.auth import KeyFile

from tests.docker.files import DOCKER, amount, check_settings, document, variables
from tests.support.paths import ROOT

CHART = DOCKER / "helm/off-tanet"
EXAMPLES = ("default", "protected")
RENDERED = DOCKER / "helm/rendered"
MANIFESTS = DOCKER / "kubernetes/examples"
VERSION = "1.31"
CUSTOM = {"ServiceMonitor"}  # Kubernetes has no schema for it

Resource = dict[str, Any]


def values(example: str) -> dict[str, Any]:
    found: dict[str, Any] = document(DOCKER / f"helm/examples/{example}.yaml")
    return found


def render(given: dict[str, Any]) -> str:
    """What `helm template off-tanet` prints, in the order of the templates."""
    helm = pytest.importorskip("helm_python", reason="pip install helm-python-sdk")
    with helm.Chart.load(CHART) as chart:
        files: dict[str, str] = chart.render(values=given, name="off-tanet")
    texts = (text.strip() for name, text in sorted(files.items()) if name.endswith(".yaml"))
    return "---\n".join(f"{text}\n" for text in texts if text)


def resources(example: str) -> dict[str, Resource]:
    text = (RENDERED / f"{example}.yaml").read_text(encoding="utf-8")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def manifests() -> Iterator[Resource]:
    for file in sorted(MANIFESTS.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_rendered_examples_are_current(example: str) -> None:
    assert render(values(example)) == (RENDERED / f"{example}.yaml").read_text(encoding="utf-8")


def test_the_chart_has_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = document(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_helm_finds_no_fault_in_the_chart() -> None:
    helm = pytest.importorskip("helm_python", reason="pip install helm-python-sdk")
    for example in EXAMPLES:
        found = helm.chart.lint(CHART, values(example), strict=True)
        assert found["errors"] == []
        assert [each["error"] for each in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize(
    "given",
    [
        {"imgae": {"repository": "a"}},
        {"image": {"repository": "a", "digest": "0.2.0"}},
        {"settings": {"OFF_TANET_WORKERS": 2}},
        {"settings": {"api_keys": "/keys"}},
        {"apiKeys": {"secret": "keys"}, "serviceMonitor": {"enabled": True}},
    ],
)
def test_wrong_values_are_refused(given: dict[str, Any]) -> None:
    """A typing error would otherwise deploy the default; Prometheus would get 401."""
    helm = pytest.importorskip("helm_python", reason="pip install helm-python-sdk")
    with pytest.raises(helm.HelmError):
        render(given)


@pytest.mark.parametrize("example", EXAMPLES)
def test_resources_fit_the_schemas_of_kubernetes(example: str) -> None:
    for kind, resource in resources(example).items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(resource, VERSION, strict=True)


def test_the_manifests_of_the_examples_fit_too() -> None:
    kinds = [resource["kind"] for resource in manifests()]
    assert sorted(kinds) == ["Ingress", "Secret", "Secret", "ServiceMonitor"]
    for resource in manifests():
        if resource["kind"] not in CUSTOM:
            kubernetes_validate.validate(resource, VERSION, strict=True)


def test_the_example_of_keys_is_one_that_the_service_reads() -> None:
    (keys,) = [each for each in manifests() if each["metadata"]["name"] == "off-tanet-keys"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text(keys["stringData"]["keys"], encoding="utf-8")
        assert KeyFile(file).name_of("any") is None


@pytest.mark.parametrize("example", EXAMPLES)
def test_settings_are_known_and_fit_the_memory(example: str) -> None:
    pod = resources(example)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    limits = container["resources"]["limits"]
    given = variables(container["env"])
    check_settings(given, int(limits["cpu"]), amount(limits["memory"]))
    longest = float(given["OFF_TANET_VIDEO_SHUTDOWN_TIMEOUT_S"])
    assert pod["terminationGracePeriodSeconds"] > longest


def test_names_refer_to_what_exists() -> None:
    """A reference to nothing is accepted by Kubernetes."""
    found = resources("protected")
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    selectors = [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    monitored = found["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= found["Service"]["metadata"]["labels"].items()
    (rule,) = found["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == found["Service"]["metadata"]["name"]
    names = {
        each["metadata"]["name"]: each["stringData"]
        for each in manifests()
        if each["kind"] == "Secret"
    }
    (volume,) = pod["spec"]["volumes"]
    (item,) = volume["secret"]["items"]
    assert item["key"] in names[volume["secret"]["secretName"]]
    (endpoint,) = found["ServiceMonitor"]["spec"]["endpoints"]
    credentials = endpoint["authorization"]["credentials"]
    assert credentials["key"] in names[credentials["name"]]
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "off-tanet"


def main() -> None:
    RENDERED.mkdir(exist_ok=True)
    for example in EXAMPLES:
        (RENDERED / f"{example}.yaml").write_text(render(values(example)), encoding="utf-8")


if __name__ == "__main__":
    main()
