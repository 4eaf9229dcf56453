"""openapi-generator's python: sends a lead, and reads what is wrong with another."""

import datetime
import os
import re
import uuid

from openapi_client import ApiClient, Configuration, LeadMeta, LeadRequest, LeadsApi, RefusedValidationErrorResponse
from openapi_client.exceptions import UnprocessableEntityException


def lead(name: str) -> LeadRequest:
    meta = LeadMeta(
        source="fast-techservices.com",
        request_id=uuid.uuid4(),
        ip_hash="abc123def456",
        timestamp_utc=datetime.datetime.now(datetime.timezone.utc),
    )
    message = "Mon compresseur ne démarre plus depuis hier."
    return LeadRequest(name=name, email="zoe@example.com", message=message, consent=True, meta=meta)


configuration = Configuration(host=os.environ["FASTCORE_URL"], access_token=os.environ["FASTCORE_TOKEN"])
with ApiClient(configuration) as client:
    api = LeadsApi(client)
    stored = api.send_lead_with_http_info(lead("Zoé Dupont"))
    assert stored.status_code == 201, stored
    assert re.fullmatch("[1-9][0-9]*:[0-9a-f]{64}", stored.data.receipt)

    # The client's own check takes at least two characters, as the document says: the space counts for it.
    try:
        api.send_lead(lead("J "))
        raise AssertionError("it was accepted")
    except UnprocessableEntityException as error:
        assert isinstance(error.data, RefusedValidationErrorResponse), error.data
        assert error.data.kept is True
        field = error.data.detail[0]
        assert (field.loc, field.msg) == (["body", "name"], "String should have at least 2 characters"), field
