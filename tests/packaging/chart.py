#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/chart renders to is what Kubernetes takes and posternd understands.

The types are those of Debian's python3-kubernetes, which is made from the API's own description: each field must be
there under that name, with that type, and nothing that is required may be missing.

	chart.py RENDERER	the program built from render.go
"""
import copy
import json
import re
import subprocess
import sys

import yaml
from kubernetes import client

CHART = "deploy/chart"
TEMPLATES = [f"{CHART}/templates/configmap.yaml", f"{CHART}/templates/daemonset.yaml"]
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


class Wrong(Exception):
    pass


def check_type(value, kind, where):
    """VALUE is of KIND, in the words of the client's own tables."""
    if kind == "object":  # of any form: a port by number or name
        return
    listed, mapped = re.fullmatch(r"list\[(.*)\]", kind), re.fullmatch(r"dict\(str, (.*)\)", kind)
    if listed or mapped:
        if not isinstance(value, list if listed else dict):
            raise Wrong(f"{where}: expected {kind}, found {value!r}")
        for key, one in enumerate(value) if listed else value.items():
            check_type(one, (listed or mapped).group(1), f"{where}[{key}]")
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (kind != "bool" and isinstance(value, bool)):
            raise Wrong(f"{where}: expected {kind}, found {value!r}")
    else:
        check_model(value, getattr(client, kind), where)


def check_model(value, model, where):
    if not isinstance(value, dict):
        raise Wrong(f"{where}: expected {model.__name__}, found {value!r}")
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    for key, one in value.items():
        if key not in names:
            raise Wrong(f"{where}: {model.__name__} has no field {key}")
        check_type(one, model.openapi_types[names[key]], f"{where}.{key}")
    try:
        model(**{names[key]: one for key, one in value.items()})
    except ValueError as e:
        raise Wrong(f"{where}: {e}") from e


def render(renderer, **changed):
    values = yaml.safe_load(open(f"{CHART}/values.yaml"))
    for key in changed:
        assert key in values, key
    values.update(changed)
    text = subprocess.run([renderer, "postern", "kube-system", *TEMPLATES], input=json.dumps(values), text=True,
                          check=True, stdout=subprocess.PIPE).stdout
    return [o for o in yaml.safe_load_all(text) if o is not None]


def check(objects):
    for o in objects:
        check_model(o, getattr(client, f"V1{o['kind']}"), o["kind"])
    for daemon in (o for o in objects if o["kind"] == "DaemonSet"):
        check_daemon(daemon, {o["metadata"]["name"] for o in objects if o["kind"] == "ConfigMap"})


# What of the node the pod sees, and whether it may write there: the unit's ReadWritePaths and RuntimeDirectory.
HOST_PATHS = {"/sys/fs/bpf": True, "/run/postern": True, "/sys/fs/cgroup": False, "/run/netns": False}


def check_rights(pod, container):
    """Nothing that decision 0030 does not name."""
    context = container["securityContext"]
    for key in ("privileged", "procMount", "runAsGroup"):
        if context.get(key):
            raise Wrong(f"{key} is set")
    if context["capabilities"].get("drop") != ["ALL"] or not context.get("readOnlyRootFilesystem"):
        raise Wrong("capabilities of the runtime's are kept, or the image can be written to")
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        raise Wrong("the runtime's list of system calls is not used")
    # As the API server has it: SYS_ADMIN is an escalation.
    if "allowPrivilegeEscalation" in context:
        raise Wrong("allowPrivilegeEscalation beside SYS_ADMIN is refused")
    if pod.get("hostIPC") or pod.get("automountServiceAccountToken") is not False:
        raise Wrong("it has the node's IPC, or a token of the API server")
    writable = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
    for v in pod["volumes"]:
        if "hostPath" not in v:
            if v["name"] in writable:
                raise Wrong(f"{v['name']} can be written to")
            continue
        path = v["hostPath"]["path"]
        if path not in HOST_PATHS:
            raise Wrong(f"{path} of the node is mounted")
        if (v["name"] in writable) != HOST_PATHS[path]:
            raise Wrong(f"{path} of the node can be written to, or not, otherwise than by the unit")


def check_probes(container):
    """Each asks a page that there is, where it is served."""
    served = re.findall(r'!strcmp\(path, "(/\w+)"\)', open("enforcer/reporter.c").read())
    assert "/metrics" in served, served
    at = [a.split("=", 1)[1] for a in container.get("args", []) if a.startswith("--metrics=")]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if "args" not in container:
            break
        if name not in container:
            raise Wrong(f"there is no {name}")
        get = container[name]["httpGet"]
        if get["path"] not in served:
            raise Wrong(f"{name}: {get['path']} is no page of posternd's")
        host = f"[{get['host']}]" if ":" in get["host"] else get["host"]
        if [f"{host}:{get['port']}"] != at:
            raise Wrong(f"{name} asks {host}:{get['port']}, served is {at}")


def check_daemon(daemon, maps):
    pod = daemon["spec"]["template"]["spec"]
    container, = pod["containers"]
    check_rights(pod, container)
    check_probes(container)
    labels = daemon["spec"]["template"]["metadata"]["labels"]
    if daemon["spec"]["selector"]["matchLabels"].items() - labels.items():
        raise Wrong("the selector does not select its own pods")
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounts = [m["mountPath"] for m in container["volumeMounts"]]
    if volumes.keys() != {m["name"] for m in container["volumeMounts"]}:
        raise Wrong("volumes and mounts are not the same")
    for v in volumes.values():
        name = v.get("configMap", {}).get("name", "")
        if name.startswith("postern-") and name not in maps:
            raise Wrong(f"there is no ConfigMap {name}")
    unit = open("packaging/debian/postern.posternd.service").read()
    allowed = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).replace("CAP_", "").split()
    if sorted(container["securityContext"]["capabilities"]["add"]) != sorted(allowed):
        raise Wrong("the capabilities are not those of posternd.service")
    for arg in container.get("args", []):
        path = re.fullmatch(r"--[a-z-]+=(/.*)", arg)
        if path and not any(path.group(1).startswith(m) for m in mounts):
            raise Wrong(f"{arg}: nothing is mounted there")


def check_options(objects):
    """posternd has each option, and takes its value: it fails for what it reads, not for how it was called."""
    daemon, = (o for o in objects if o["kind"] == "DaemonSet")
    args = daemon["spec"]["template"]["spec"]["containers"][0]["args"]
    r = subprocess.run(["build/posternd", *args], stderr=subprocess.PIPE, text=True)
    if r.returncode != 1 or "/etc/postern" not in r.stderr:
        raise Wrong(f"posternd {' '.join(args)}: exit status {r.returncode}: {r.stderr}")


def expect_wrong(objects, why, change):
    broken = copy.deepcopy(objects)
    change(next(o for o in broken if o["kind"] == "DaemonSet"))
    try:
        check(broken)
    except Wrong as e:
        if why in str(e):
            return
        raise
    raise Wrong(f"this went unnoticed: {why}")


def container_of(daemon):
    return daemon["spec"]["template"]["spec"]["containers"][0]


def main():
    renderer = sys.argv[1]
    plain = render(renderer)
    check(plain)
    check_options(plain)
    full = render(renderer, policies={"a.yaml": "kind: CiliumNetworkPolicy\nmetadata: {name: \"a: b\"}\n"},
                  inventory="items: []\n", extraArgs=["--events=all", "--deny-body=a 'b' \"c\": d"], tolerations=[])
    check(full)
    check_options(full)
    data = {o["metadata"]["name"]: o["data"] for o in full if o["kind"] == "ConfigMap"}
    assert data["postern-policies"]["a.yaml"].endswith('"a: b"}\n'), data
    assert data["postern-inventory"] == {"inventory.yaml": "items: []\n"}, data
    check(render(renderer, policiesConfigMap="mine", inventoryConfigMap="mine-too"))
    assert not [o for o in render(renderer, policiesConfigMap="a", inventoryConfigMap="b") if o["kind"] == "ConfigMap"]
    for address in ("0.0.0.0", "::1"):
        other = render(renderer, metricsAddress=address, metricsPort=10970, cgroup="kubepods")
        check(other)
        check_options(other)
    off = "--source-ip-verification=off"
    assert off not in container_of(plain[-1])["args"]
    other = render(renderer, sourceIPVerification=False)
    check_options(other)
    assert off in container_of(other[-1])["args"]
    detach = render(renderer, detach=True)
    check(detach)
    assert "posternd --detach" in container_of(detach[-1])["command"][2]

    # The checks themselves.
    expect_wrong(plain, "V1Container has no field imagePullpolicy",
                 lambda d: container_of(d).update(imagePullpolicy="x"))
    expect_wrong(plain, "expected bool", lambda d: d["spec"]["template"]["spec"].update(hostPID="yes"))
    expect_wrong(plain, "must not be `None`", lambda d: container_of(d).pop("name"))
    expect_wrong(plain, "nothing is mounted", lambda d: container_of(d)["args"].append("--policy=/srv"))
    expect_wrong(plain, "not those of posternd.service",
                 lambda d: container_of(d)["securityContext"]["capabilities"]["add"].append("SYS_BOOT"))
    def context(d):
        return container_of(d)["securityContext"]

    def mounts(d):
        return {m["name"]: m for m in container_of(d)["volumeMounts"]}

    expect_wrong(plain, "privileged is set", lambda d: context(d).update(privileged=True))
    expect_wrong(plain, "capabilities of the runtime's", lambda d: context(d)["capabilities"].pop("drop"))
    expect_wrong(plain, "list of system calls", lambda d: context(d).pop("seccompProfile"))
    expect_wrong(plain, "is refused", lambda d: context(d).update(allowPrivilegeEscalation=False))
    expect_wrong(plain, "a token", lambda d: d["spec"]["template"]["spec"].pop("automountServiceAccountToken"))
    expect_wrong(plain, "policies can be written", lambda d: mounts(d)["policies"].pop("readOnly"))
    expect_wrong(plain, "otherwise than by the unit", lambda d: mounts(d)["cgroup"].pop("readOnly"))
    expect_wrong(plain, "/etc of the node",
                 lambda d: d["spec"]["template"]["spec"]["volumes"][-1]["hostPath"].update(path="/etc"))
    expect_wrong(plain, "no page of posternd's",
                 lambda d: container_of(d)["livenessProbe"]["httpGet"].update(path="/alive"))
    expect_wrong(plain, "served is", lambda d: container_of(d)["readinessProbe"]["httpGet"].update(port=80))
    print("the chart: as expected")

    # The plain manifest is the chart with its own values.
    written = [o for o in yaml.safe_load_all(open("deploy/postern.yaml")) if o is not None]
    if written != plain:
        raise Wrong("deploy/postern.yaml is not what the chart renders to: "
                    "tests/packaging/t_the_chart_is_what_kubernetes_takes.sh --write")


main()
