"""Audit logs of cloud services: which service, when, and Sigma's names for their fields."""

import io
import json

import pytest

from afterpatch.detect.detector import Detector
from afterpatch.formats import cloud_audit
from afterpatch.formats.registry import recognise
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

ITEM = Item("case/audit.json", None, "audit.json", "case", ("audit.json",), 0)
WHEN = "2021-03-02T04:05:06Z"
WHEN_US = 1_614_657_906_000_000

AWS = {
    "eventVersion": "1.08", "eventTime": WHEN, "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser", "userIdentity": {"type": "Root"}, "requestParameters": {"a": [1, 2]},
}  # fmt: skip
GCP = {
    "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity", "timestamp": WHEN,
    "protoPayload": {"serviceName": "iam.googleapis.com", "methodName": "google.iam.Delete",
                     "authorizationInfo": [{"permission": "a.b", "granted": True}]},
}  # fmt: skip
WORKSPACE = {
    "logName": "x", "timestamp": WHEN,
    "protoPayload": {"serviceName": "admin.googleapis.com",
                     "metadata": {"event": [{"eventName": "ADD_APPLICATION"}]}},
}  # fmt: skip
ACTIVITY = {
    "time": WHEN, "category": "Administrative", "resourceId": "/SUBSCRIPTIONS/1",
    "operationName": "MICROSOFT.NETWORK/X/DELETE", "properties": {"message": "Microsoft.Network/x"},
}  # fmt: skip
ACTIVITY_REST = {
    "eventTimestamp": WHEN, "category": {"value": "Policy", "localizedValue": "Richtlinie"},
    "operationName": {"value": "Microsoft.X/write", "localizedValue": "Schreiben"},
}  # fmt: skip
SIGN_IN = {
    "createdDateTime": WHEN, "userPrincipalName": "a@b", "appDisplayName": "x",
    "status": {"errorCode": 50053}, "authenticationRequirement": "singleFactorAuthentication",
    "deviceDetail": {"trustType": ""},
}  # fmt: skip
SIGN_IN_DIAGNOSTIC = {
    "time": WHEN, "category": "SignInLogs", "operationName": "Sign-in activity",
    "resultType": "50053", "properties": {"userAgent": "azurehound/1"},
}  # fmt: skip
SIGN_IN_TABLE = {"TimeGenerated": WHEN, "Type": "SigninLogs", "ResultType": "50053"}
ENTRA = {"activityDateTime": WHEN, "activityDisplayName": "Add user", "result": "success"}
RISK = {"riskEventType": "anonymizedIPAddress", "activityDateTime": WHEN}
M365 = {
    "CreationTime": "2021-03-02T04:05:06", "Operation": "Set-AdminAuditLogConfig",
    "Workload": "Exchange", "ResultStatus": "True",
}  # fmt: skip
OKTA = {"eventType": "user.lock", "published": WHEN, "actor": {"alternateId": "a"}}
KUBERNETES = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "verb": "delete",
    "requestReceivedTimestamp": WHEN, "objectRef": {"resource": "events"},
}  # fmt: skip
GITHUB = {"@timestamp": WHEN_US // 1000, "action": "repo.create", "actor": "anna"}
BITBUCKET = {
    "auditType": {"action": "Full data export", "category": "Data pipeline"},
    "affectedObjects": [], "timestamp": {"epochSecond": WHEN_US // 1_000_000, "nano": 0},
}  # fmt: skip
CANARY = {"logtype": 3000, "node_id": "n", "dst_port": 80, "utc_time": "2021-03-02 04:05:06"}

ALL = [
    (AWS, ("", "aws", "cloudtrail")),
    (GCP, ("", "gcp", "gcp.audit")),
    (WORKSPACE, ("", "gcp", "google_workspace.admin")),
    (ACTIVITY, ("", "azure", "activitylogs")),
    (ACTIVITY_REST, ("", "azure", "activitylogs")),
    (SIGN_IN, ("", "azure", "signinlogs")),
    (SIGN_IN_DIAGNOSTIC, ("", "azure", "signinlogs")),
    (SIGN_IN_TABLE, ("", "azure", "signinlogs")),
    (ENTRA, ("", "azure", "auditlogs")),
    (RISK, ("", "azure", "riskdetection")),
    (M365, ("", "m365", "exchange")),
    (OKTA, ("", "okta", "okta")),
    (KUBERNETES, ("application", "kubernetes", "audit")),
    (GITHUB, ("", "github", "audit")),
    (BITBUCKET, ("", "bitbucket", "audit")),
    (CANARY, ("application", "opencanary", "")),
]


def read(data):
    return list(cloud_audit.read(io.BytesIO(data), ITEM))


@pytest.mark.parametrize(("event", "logsource"), ALL)
def test_every_service_is_known_by_its_own_keys(event, logsource):
    data = json.dumps(event).encode()
    assert recognise(data, ITEM) == (cloud_audit.FORMAT, "content")
    [piece] = read(data + b"\n")
    [batch] = piece.batches
    assert batch.logsource == logsource
    assert batch.logsource in cloud_audit.LOGSOURCES
    assert batch.frame["@time"].to_list() == [WHEN_US]
    assert piece.gaps == piece.notices == ()
    names = ":".join(("cloud", *filter(None, logsource[1:])))
    assert piece.observed == {names: {WHEN_US // 3_600_000_000: 1}}


@pytest.mark.parametrize("name", ["Records", "value", "records", "items"])
@pytest.mark.parametrize("before", [{}, {"@odata.context": "https://x/$metadata", "n": 1}])
@pytest.mark.parametrize("indent", [None, 2])
def test_lists_under_a_name(name, before, indent):
    data = json.dumps({**before, name: [AWS, AWS, {"no": "event"}]}, indent=indent).encode()
    assert recognise(data, ITEM)[0] is cloud_audit.FORMAT
    [piece] = read(data)
    assert (piece.records, piece.events) == (3, 2)
    assert [gap.reason for gap in piece.gaps] == ["JSON, but not an event of this log"]


def test_a_file_of_many_services_and_a_cut_one():
    data = "\n".join(json.dumps(event) for event, _ in ALL).encode()
    [piece] = read(data)
    assert {tuple(batch.logsource) for batch in piece.batches} == {source for _, source in ALL}
    [piece] = read(json.dumps({"Records": [AWS, AWS]}).encode()[:-40])
    assert (piece.events, len(piece.gaps)) == (1, 1)


def test_what_is_none_of_them_is_not_claimed():
    assert recognise(json.dumps({"eventName": "x", "eventSource": "y"}).encode(), ITEM)[0] is None


def rule(product, service, selection, category=""):
    source = {"product": product, "service": service, "category": category}
    text = {
        "title": "r", "id": "r", "logsource": {k: v for k, v in source.items() if v},
        "detection": {"s": selection, "condition": "s"},
    }  # fmt: skip
    return RuleText("r.yml", "sigma", json.dumps(text))


@pytest.mark.parametrize(
    ("event", "made"),
    [
        (AWS, rule("aws", "cloudtrail", {"eventSource": "iam.amazonaws.com",
                                         "userIdentity.type": "Root", "requestParameters.a": 2})),
        (GCP, rule("gcp", "gcp.audit", {"gcp.audit.method_name|endswith": ".Delete",
                                        "data.protoPayload.authorizationInfo.granted": "true"})),
        (WORKSPACE, rule("gcp", "google_workspace.admin", {"eventService": "admin.googleapis.com",
                                                           "eventName": "ADD_APPLICATION"})),
        (ACTIVITY, rule("azure", "activitylogs", {"operationName|startswith": "microsoft.network",
                                                  "properties.message": "Microsoft.Network/x"})),
        (ACTIVITY_REST, rule("azure", "activitylogs", {"OperationNameValue": "Microsoft.X/write"})),
        (SIGN_IN, rule("azure", "signinlogs", {"ResultType": 50053, "DeviceDetail.trusttype": "",
                       "AuthenticationRequirement": "singleFactorAuthentication"})),
        (SIGN_IN_DIAGNOSTIC, rule("azure", "signinlogs", {"userAgent|contains": "azurehound",
                                                          "ResultType": 50053})),
        (SIGN_IN_TABLE, rule("azure", "signinlogs", {"ResultType": 50053})),
        (ENTRA, rule("azure", "auditlogs", {"properties.message": "Add user",
                                            "properties.result": "success"})),
        (RISK, rule("azure", "riskdetection", {"riskEventType": "anonymizedIPAddress"})),
        (M365, rule("m365", "exchange", {"eventSource": "Exchange",
                                         "eventName": "Set-AdminAuditLogConfig"})),
        (OKTA, rule("okta", "okta", {"eventType": "user.lock", "actor.alternateId": "a"})),
        (KUBERNETES, rule("kubernetes", "audit", {"objectRef.resource": "events"}, "application")),
        (GITHUB, rule("github", "audit", {"action": "repo.create"})),
        (BITBUCKET, rule("bitbucket", "audit", {"auditType.category": "Data pipeline"})),
        (CANARY, rule("opencanary", "", {"logtype": 3000}, "application")),
    ],
)  # fmt: skip
def test_a_rule_holds_for_its_service_and_for_no_other(event, made):
    detector = Detector.build([made], (), ())
    assert not detector.unsupported

    def holds(one):
        [piece] = read(json.dumps(one).encode())
        [batch] = piece.batches
        [result] = detector.match(batch, [("x", 1)])
        return bool(result.hits), bool(result.evaluated)

    assert holds(event) == (True, True)
    [piece] = read(json.dumps(event).encode())
    for other, logsource in ALL:
        if logsource != piece.batches[0].logsource:
            assert holds(other) == (False, False)
