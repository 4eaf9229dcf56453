"""What the first service did with a body: its Pydantic models, the id that its handler parsed, and the lengths of
its PostgreSQL columns. Reads a list of bodies, prints the list of its statuses.
"""

import json
import sys
import uuid
from datetime import datetime
from enum import Enum
from typing import Optional

from pydantic import BaseModel, EmailStr, ValidationError


class Service(str, Enum):
    PONTS = "ponts"
    CABINES = "cabines"
    COMPRESSEURS = "compresseurs"
    DIAGNOSTIC = "diagnostic"
    AUTRE = "autre"


class LeadMeta(BaseModel):
    source: str
    request_id: str
    ip_hash: str
    user_agent_hash: Optional[str] = None
    timestamp_utc: datetime


class InboundLeadRequest(BaseModel):
    name: str
    email: EmailStr
    phone: Optional[str] = None
    company: Optional[str] = None
    service: Optional[Service] = None
    message: str
    consent: bool
    meta: LeadMeta


COLUMNS = {"name": 80, "email": 120, "phone": 30, "company": 120, "message": 2000}


def status(body):
    try:
        lead = InboundLeadRequest.model_validate(body)
    except ValidationError:
        return 422
    try:
        uuid.UUID(lead.meta.request_id)
    except ValueError:
        return 500
    texts = [(getattr(lead, name) or "", limit) for name, limit in COLUMNS.items()]
    texts += [(lead.meta.ip_hash, 50)]
    is_stored = all(len(text) <= limit and "\0" not in text for text, limit in texts)
    return 201 if is_stored else 500


json.dump([status(body) for body in json.load(sys.stdin)], sys.stdout)
