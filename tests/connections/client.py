"""client.py httpx|aiohttp URL PAUSE:TIMES...: sends leads, one connection for each pause, and then 25 MB."""

import asyncio
import json
import os
import sys
import uuid

import aiohttp
import httpx

kind, url, *lanes = sys.argv[1:]
target = f"{url}/inbound/leads"
headers = {"Authorization": f"Bearer {os.environ['FASTCORE_TOKEN']}", "Content-Type": "application/json"}
# As long as the server promises; the defaults are 5 s and 15 s.
PROMISE = 75
sent, failures = 0, []


class Httpx:
    name = f"httpx {httpx.__version__}"

    def __init__(self) -> None:
        limits = httpx.Limits(keepalive_expiry=PROMISE)
        self.client = httpx.AsyncClient(limits=limits, timeout=30)

    async def post(self, body: bytes) -> int:
        return (await self.client.post(target, headers=headers, content=body)).status_code

    async def close(self) -> None:
        await self.client.aclose()


class Aiohttp:
    name = f"aiohttp {aiohttp.__version__}"

    def __init__(self) -> None:
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=PROMISE))

    async def post(self, body: bytes) -> int:
        async with self.session.post(target, headers=headers, data=body) as response:
            await response.read()
            return response.status

    async def close(self) -> None:
        await self.session.close()


Client = {"httpx": Httpx, "aiohttp": Aiohttp}[kind]


def lead() -> bytes:
    return json.dumps({
        "name": "Jean Dupont", "email": "jean@example.com", "consent": True,
        "message": "Mon compresseur ne démarre plus depuis hier.",
        "meta": {"source": "fast-techservices.com", "request_id": str(uuid.uuid4()), "ip_hash": "abc123def456",
                 "timestamp_utc": "2026-01-03T10:30:45Z"}}).encode()


async def post(client, body: bytes, expected: int, when: str) -> None:
    global sent
    sent += 1
    try:
        status = await client.post(body)
        if status != expected:
            failures.append(f"{when}: {status}")
    except (OSError, httpx.HTTPError, aiohttp.ClientError) as error:
        failures.append(f"{when}: {error!r}")


async def lane(text: str) -> None:
    pause, times = text.split(":")
    client = Client()
    await post(client, lead(), 201, "first")
    for _ in range(int(times)):
        await asyncio.sleep(float(pause))
        await post(client, lead(), 201, f"after {pause} s")
    await client.close()


async def main() -> None:
    await asyncio.gather(*map(lane, lanes))
    for _ in range(3):
        client = Client()
        await post(client, b"x" * 25_000_000, 413, "25 MB")
        await client.close()
    print(f"{Client.name}: {sent} requests, {len(failures)} failed")
    if failures:
        sys.exit("\n".join(failures[:10]))


asyncio.run(main())
