# Python 3: needs nothing but the standard library. Take the body as it arrived, before any JSON
# parsing (Flask: request.get_data(); Django: request.body; FastAPI: await request.body()).
import base64
import hashlib
import hmac
import time

TOLERANCE_SECONDS = 5 * 60


def verify(secret: str, headers, raw_body: bytes) -> bool:
    message_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not message_id or not signatures or not (timestamp or "").isdigit():
        return False
    if abs(time.time() - int(timestamp)) >= TOLERANCE_SECONDS:
        return False

    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + raw_body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    # Several signatures stand in the header for 24 hours after a rotation: one must match.
    return any(
        hmac.compare_digest(expected.encode(), given.encode()) for given in signatures.split(" ")
    )
