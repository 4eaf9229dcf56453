"""Sends a lead to FASTCore until it is stored. Python 3.9 or newer, standard library only."""

import hashlib
import hmac
import json
import logging
import os
import random
import re
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone

SOURCE = "fast-techservices.com"
PATIENCE = 20.0  # seconds that a visitor waits
ATTEMPT = 8.0  # seconds that one attempt waits
log = logging.getLogger("fastcore")


def send_lead(lead, address, user_agent, request_id=None):
    """Returns what to tell the visitor: a dict with `status` (stored, kept, invalid, unavailable or failed),
    and, if it is not stored, `errors` by field and the `request_id` that the next attempt must have.

    `lead` has name, email, message and consent (a bool), and phone, company, service if given.
    """
    base, token, key = (os.environ.get(name, "").strip() for name in SETTINGS)
    wrong = [name for name, value in zip(SETTINGS, (base, token, key)) if not SETTINGS[name].fullmatch(value)]
    if wrong:
        record(logging.ERROR, "contact_not_set_up", cause=", ".join(wrong))
        return {"status": "failed"}
    url = f"{base.rstrip('/')}/inbound/leads"

    def keyed(text):
        return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def derived(start):
        return str(uuid.UUID(bytes=keyed(json.dumps([start, lead], sort_keys=True)).digest()[:16]))

    now = datetime.now(timezone.utc)
    # The same content on the same day has the same id: a second click makes no second lead.
    request_id = request_id or derived(now.date().isoformat())
    for _ in range(3):
        meta = {
            "source": SOURCE,
            "request_id": request_id,
            "ip_hash": keyed(address).hexdigest(),
            "user_agent_hash": keyed(user_agent).hexdigest(),
            "timestamp_utc": now.isoformat(),
        }
        status, answer, cause = post(url, token, json.dumps({**lead, "meta": meta}).encode())
        if status not in (409, 410):
            break
        # Sent before with other words: this is another message.
        request_id = derived(request_id)
    if status in (200, 201) and "receipt" in answer:
        # The receipt, kept outside FASTCore, proves later that nothing was rewritten there.
        record(logging.INFO, "lead_stored", request_id=request_id, leadId=answer["leadId"], receipt=answer["receipt"])
        return {"status": "stored"}
    detail = answer.get("detail") if status == 422 else None
    faults = detail if isinstance(detail, list) else []
    errors = {".".join(fault["loc"][1:]): fault["type"] for fault in reversed(faults)}
    if is_passing(status):
        result = "unavailable"
    elif answer.get("kept") is True:
        result = "kept"
    else:
        result = "invalid" if errors else "failed"
    record(logging.ERROR, f"lead_{result}", request_id=request_id, cause=cause)
    return {"status": result, "errors": errors, "request_id": request_id}


SETTINGS = {
    "FASTCORE_BASE_URL": re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?"),
    "FASTCORE_SITE_INGEST_TOKEN": re.compile(r"(?![\"'])[!-~]+"),
    "CONTACT_HASH_KEY": re.compile(r".{32,}"),
}


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the POST into a GET."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirects)


def post(url, token, body):
    """Posts until there is a response that will not change, or the patience is over.

    Returns the status (None: no response), the JSON, and what to log.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    end = time.monotonic() + PATIENCE
    attempt = 0
    while True:
        attempt += 1
        status, answer, retry_after = None, {}, 0.0
        timeout = max(0.1, min(ATTEMPT, end - time.monotonic()))
        try:
            request = urllib.request.Request(url, body, headers, method="POST")
            try:
                response = opener.open(request, timeout=timeout)
            except urllib.error.HTTPError as refusal:
                response = refusal
            with response:
                # A response that breaks off is none: the lead may be stored or not. In its head, that is not noticed.
                text = response.read()
                if not text and response.status // 100 == 2:
                    raise ConnectionError("the response broke off")
                status = response.status
                wait = response.headers.get("Retry-After", "")
                retry_after = float(wait) if wait.isdecimal() else 0.0
            answer = parse(text)
            cause = f"{status} {answer.get('error', 'not a response of FASTCore')} from {url}"
        except Exception as error:  # OSError, HTTPException: there are many kinds of no response
            cause = f"{type(error).__name__}: {error}"
        pause = max(retry_after, min(0.125 * 2**attempt, 4.0) * random.uniform(0.5, 1.0))
        if not is_passing(status) or time.monotonic() + pause >= end:
            return status, answer, cause
        time.sleep(pause)


def parse(text):
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def is_passing(status):
    return status is None or status in (408, 429) or status >= 500


def record(level, event, **details):
    log.log(level, json.dumps({"event": event, **details}))
