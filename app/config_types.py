"""What may stand in quarterdeck.toml. docs/configuration.md is made from these types and their descriptions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from domain.metrics import Unit
from domain.verdict import VerdictRules

_RULES = VerdictRules()


def _seconds(description: str) -> Meta:
    return Meta(description=description, ge=0)


class PrometheusTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where metrics come from. With neither `url` nor `service`, a Service that looks like Prometheus is searched for."""

    url: Annotated[
        str, Meta(description="Asked directly from this host, for instance `https://prometheus.example.com`.")
    ] = ""
    service: Annotated[
        str, Meta(description="`namespace/name:port`, asked through the API server's proxy with your own rights.")
    ] = ""
    labels: Annotated[
        dict[str, str] | None,
        Meta(
            description="The labels that narrow a query to one workload. `$namespace`, `$workload` and `$pods` (the names"
            " its pods can have) are filled in; `~` before a value makes it a regular expression. `{}`: queries are not"
            ' narrowed, and the pane says so. Not set: `{ namespace = "$namespace", pod = "~$pods" }`.'
        ),
    ] = None
    limits: Annotated[
        dict[str, float],
        Meta(description="Other limits for the queries that are there already, by name: `{ errors = 0.02, p95 = 0.8 }`."),
    ] = {}


class EnvironmentTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One place where the product runs. `{product}` is filled in. Where `product` is set, environments called `alpha` and
    `production` know the rest by themselves: namespace `{product}-alpha` and `{product}-production`, branch `alpha` and
    `main`, url `https://alphaapp.{product}.com` and `https://app.{product}.com`."""

    context: Annotated[str, Meta(description="A context of the kubeconfig. Empty: the current one, whichever it is.")] = ""
    namespace: Annotated[str, Meta(description="Its namespace. Empty: the context's own.")] = ""
    production: Annotated[
        bool | None,
        Meta(
            description="Production has a red frame. Not set: true, unless the environment's, context's or namespace's name"
            " says alpha, dev, test, staging, local, kind, minikube or practice."
        ),
    ] = None
    read_only: Annotated[
        bool, Meta(description="No request that changes anything leaves the process, and no shell is opened.")
    ] = False
    branch: Annotated[str, Meta(description="The git branch that is deployed here.")] = ""
    url: Annotated[
        str | None,
        Meta(description="Where its users reach it. Not set: as said above, where `product` is set. Empty: nowhere."),
    ] = None
    backend: Annotated[
        str, Meta(description="The workload that answers at `url`. Not set: `{product}-backend`, where `product` is set.")
    ] = ""
    health: Annotated[
        list[str] | None,
        Meta(description="Health endpoints asked directly from this host: URLs, or paths of `url`. Not set: `/health`."),
    ] = None
    prometheus: Annotated[
        PrometheusTable | None, Meta(description="As `[prometheus]`, in its place for this environment.")
    ] = None


class MetricTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One more query; one with the name of a query that is there already (`errors`, `p95`, `requests`, `restarts`) takes
    its place."""

    name: Annotated[str, Meta(description="Short and unique.")]
    query: Annotated[
        str,
        Meta(
            description="PromQL. `$selector` stands where the workload's label matchers go, `$since` is the rollout's age"
            ' ("300s").'
        ),
    ]
    title: Annotated[str, Meta(description="What the pane shows. Empty: the name.")] = ""
    unit: Annotated[Unit, Meta(description="What the value is counted in.")] = Unit.COUNT
    limit: Annotated[float | None, Meta(description="Above it the value is bad. Not set: shown, never judged.")] = None
    more_is_worse: Annotated[bool, Meta(description="False: bad below the limit.")] = True
    business: Annotated[
        bool,
        Meta(description="Worse by `verdict.business_factor` since a rollout began makes that rollout's verdict BUSINESS."),
    ] = False


class VerdictTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a rollout counts as failing. The defaults are explained in docs/guide.md."""

    confirm_after_s: Annotated[
        float, _seconds("A fault that dooms a rollout has to be seen twice, at least this many seconds apart.")
    ] = _RULES.confirm_after_s
    crash_restarts_one_pod: Annotated[
        int, Meta(description="So many restarts of one new pod make it LIKELY to fail …", ge=1)
    ] = _RULES.crash_restarts_one_pod
    crash_pods: Annotated[int, Meta(description="… or a restart each of so many new pods.", ge=1)] = _RULES.crash_pods
    recovered_after_s: Annotated[
        float,
        _seconds("A container that has crashed counts as recovered once it has been ready again for so many seconds."),
    ] = _RULES.recovered_after_s
    unschedulable_after_s: Annotated[float, _seconds("A new pod that no node takes is SUSPECT after so many seconds.")] = (
        _RULES.unschedulable_after_s
    )
    creating_after_s: Annotated[float, _seconds("The same, for a pod whose volumes or sandbox cannot be set up.")] = (
        _RULES.creating_after_s
    )
    pull_error_after_s: Annotated[
        float, _seconds("The same, for an image that cannot be pulled for a reason that may pass.")
    ] = _RULES.pull_error_after_s
    no_progress_after_s: Annotated[
        float, _seconds("A rollout whose counts have not moved for so many seconds is SUSPECT.")
    ] = _RULES.no_progress_after_s
    soak_s: Annotated[
        float, _seconds("A rollout has succeeded once all its pods have been available for so many seconds.")
    ] = _RULES.soak_s
    good_after_s: Annotated[
        float, _seconds("A version that was available for so many seconds can be the last known good one.")
    ] = _RULES.good_after_s
    business_factor: Annotated[
        float, Meta(description="How much worse than before the rollout a business metric must get to count.", gt=1)
    ] = _RULES.business_factor
    business_min_rate_per_s: Annotated[
        float, Meta(description="Business metrics are not judged on fewer requests a second than this.", ge=0)
    ] = _RULES.business_min_rate_per_s
    business_window_s: Annotated[
        float, _seconds("So many seconds after a rollout's end its metrics are still compared with those from before it.")
    ] = _RULES.business_window_s


class HealthTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Health endpoints inside the cluster are found by the workloads' probes and asked through the API server's proxy."""

    timeout_s: Annotated[float, Meta(description="How long an answer may take, in seconds.", gt=0, le=60)] = 5.0
    allowed_hosts: Annotated[
        list[str],
        Meta(
            description="Hosts whose URLs are asked although their address is this host's own or link-local. Others like"
            " that are refused, cloud metadata services among them."
        ),
    ] = []


class VerifyTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What proves, after every change of pods, that it has gone well: beside the rollout itself, health and metrics."""

    smoke: Annotated[
        list[str],
        Meta(description="Asked after the soak, and must answer 2xx: paths of the new pods (`/api/status`), or URLs."),
    ] = []
    command: Annotated[
        list[str],
        Meta(description='A smoke test on this host that must end with exit code 0: `["npm", "run", "test:smoke"]`.'),
    ] = []
    command_timeout_s: Annotated[float, Meta(description="How long that may take, in seconds.", gt=0)] = 300.0
    metrics: Annotated[
        bool, Meta(description="Compare the metrics with those from before, by `verdict.business_factor`.")
    ] = True


class KeyringChoice(StrEnum):
    AUTO = "auto"
    NONE = "none"
    SECRET_SERVICE = "secret-service"
    KWALLET = "kwallet"
    MACOS = "macos"


class SecretsTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where secrets come from; none ever stands in this file. Looked for in this order: the environment
    (`QUARTERDECK_SECRET_PROMETHEUS`), `command`, the keyring, the encrypted file. `quarterdeck secret list` shows them."""

    command: Annotated[
        list[str],
        Meta(
            description="Prints a secret as its first line; `{name}` is filled in:"
            ' `["pass", "show", "quarterdeck/{name}"]`. It is given no terminal.'
        ),
    ] = []
    keyring: Annotated[
        KeyringChoice,
        Meta(description="Which keyring. `auto`: `$PYTHON_KEYRING_BACKEND`, else the desktop's where there is one."),
    ] = KeyringChoice.AUTO
    file: Annotated[
        str,
        Meta(
            description="The encrypted file, opened with `$QUARTERDECK_SECRETS_KEY`; needs the package keyrings.cryptfile."
            " Empty: in the state folder."
        ),
    ] = ""


class ScreenTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the screen looks and sounds."""

    theme: Annotated[
        str, Meta(description="A theme of Textual. The default uses the sixteen colours that the terminal has.")
    ] = "ansi-dark"
    ascii: Annotated[
        bool | None, Meta(description="Signs and frames in ASCII. Not set: where the locale is not UTF-8.")
    ] = None
    bell: Annotated[bool, Meta(description="Ring when a verdict worsens or a rollout ends.")] = True


class FileTables(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything is optional: without a file, `quarterdeck` goes where kubectl points."""

    product: Annotated[str, Meta(description="The product's name. It is filled in where `{product}` stands.")] = ""
    environments: Annotated[dict[str, EnvironmentTable], Meta(description="By the name that `--env` takes.")] = {}
    prometheus: PrometheusTable = PrometheusTable()
    metrics: Annotated[list[MetricTable], Meta(description="More queries for the metrics pane.")] = []
    verdict: VerdictTable = VerdictTable()
    health: HealthTable = HealthTable()
    verify: VerifyTable = VerifyTable()
    secrets: SecretsTable = SecretsTable()
    screen: ScreenTable = ScreenTable()
    keys: Annotated[
        dict[str, str],
        Meta(description='Other keys for actions: `logs = "f5"`, several with commas. docs/keys.md has the names.'),
    ] = {}


def description_of(annotation: Any) -> str:
    """What a field's type says about it; "" where it is a table that says it in its own docstring."""
    metas = [m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Meta)]
    return next((m.description for m in metas if m.description), "")
