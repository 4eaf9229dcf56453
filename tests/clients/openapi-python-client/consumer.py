"""openapi-python-client: sends a lead, and reads what is wrong with another."""

import datetime
import os
import re
import uuid

from fastcore_client import AuthenticatedClient
from fastcore_client.api.leads import send_lead
from fastcore_client.models import LeadMeta, LeadRequest, LeadResponse, RefusedValidationErrorResponse


def lead(name: str) -> LeadRequest:
    meta = LeadMeta(
        source="fast-techservices.com",
        request_id=uuid.uuid4(),
        ip_hash="abc123def456",
        timestamp_utc=datetime.datetime.now(datetime.timezone.utc),
    )
    message = "Mon compresseur ne démarre plus depuis hier."
    return LeadRequest(name=name, email="zoe@example.com", message=message, consent=True, meta=meta)


with AuthenticatedClient(base_url=os.environ["FASTCORE_URL"], token=os.environ["FASTCORE_TOKEN"]) as client:
    stored = send_lead.sync_detailed(client=client, body=lead("Zoé Dupont"))
    assert stored.status_code == 201, stored
    assert isinstance(stored.parsed, LeadResponse)
    assert re.fullmatch("[1-9][0-9]*:[0-9a-f]{64}", stored.parsed.receipt)

    refused = send_lead.sync_detailed(client=client, body=lead("J"))
    assert refused.status_code == 422, refused
    assert isinstance(refused.parsed, RefusedValidationErrorResponse)
    assert refused.parsed.kept is True
    field = refused.parsed.detail[0]
    assert (field.loc, field.msg) == (["body", "name"], "String should have at least 2 characters"), field
