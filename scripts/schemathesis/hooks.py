"""What Schemathesis takes for a fault and is none stands in accepted.toml, with the reason. Everything else fails."""

import atexit
import json
import tomllib
import uuid
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import schemathesis

ACCEPTED = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text("utf-8"))
REFUSED_VALID = "ST202"
ACCEPTED_INVALID = "ST201"

EXAMPLE_KEY = "order-7731"

met = Counter()


@schemathesis.hook
def before_call(context, case, kwargs):
    """The key of the document's example would be that of many requests, and all but the first would be refused."""
    if case.headers and case.headers.get("Idempotency-Key") == EXAMPLE_KEY:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False drops the failure."""
    path = urlsplit(response.request.url).path
    reasons = [row["reason"] for row in ACCEPTED["elsewhere"] if response.status_code == 405 and path in row["paths"]]
    reasons += [row["reason"] for row in ACCEPTED["everywhere"] if response.status_code == row["status"]]
    if not reasons and failure.code == REFUSED_VALID:
        reasons = reasons_of_refusal(json.loads(response.content))
    if not reasons and failure.code == ACCEPTED_INVALID:
        reasons = [row["reason"] for row in ACCEPTED["accepted"] if row["operation"] == context.operation.label]
    met.update(reasons)
    return not reasons


def reasons_of_refusal(problem):
    """Why it was right; none unless the code of the problem is listed, and those of all the fields that it names."""
    rows = [row for row in ACCEPTED["refused"] if row["code"] == problem["code"]]
    told = {error["code"] for error in problem.get("errors", [])}
    listed = {code for row in rows for code in row.get("errors", [])}
    if not told <= listed:
        return []
    return [row["reason"] for row in rows if "errors" not in row or told & set(row["errors"])]


@atexit.register
def say_what_was_met():
    """How often each reason was needed: one that never is can go."""
    print("\nTaken for faults, and none:")
    for row in ACCEPTED["refused"] + ACCEPTED["accepted"] + ACCEPTED["elsewhere"] + ACCEPTED["everywhere"]:
        print(f"{met[row['reason']]:7}  {row['reason']}")
