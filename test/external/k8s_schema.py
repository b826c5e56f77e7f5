"""Checks manifests of Kubernetes against the models that the Kubernetes project makes of its API's schema.

    sage-augment submit k8s ... --json | python3 test/external/k8s_schema.py

Needs the package `kubernetes` (37 was used), whose models refuse unknown fields, other types and missing fields, as an API
server does that validates strictly. Does not see what depends on several fields at once.
"""

import json
import sys

from kubernetes.client import models
from pydantic import ValidationError


def problems_of(manifest):
    found = [] if manifest["apiVersion"] == "batch/v1" else [f"found {manifest['apiVersion']}, expected batch/v1"]
    try:
        getattr(models, f"V1{manifest['kind']}").model_validate(manifest)
    except ValidationError as error:
        found += [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return found


jobs = [json.loads(job["input"]) for job in json.load(sys.stdin)["jobs"] if "input" in job]
problems = [problem for job in jobs for problem in problems_of(job)]
print("\n".join(problems) or f"{len(jobs)} manifests, all right")

# A check that lets a mistake pass is none.
for spoil in (
    lambda spec: spec.update(completionmode=spec.pop("completionMode")),
    lambda spec: spec.update(completions="many"),
    lambda spec: spec["template"]["spec"].pop("containers"),
):
    spoilt = json.loads(json.dumps(jobs[0]))
    spoil(spoilt["spec"])
    assert problems_of(spoilt), spoilt

sys.exit(1 if problems or not jobs else 0)
