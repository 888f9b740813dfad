"""The curl lines of the tunes document, word for word. A test changes the address, the credential, the key's id and nothing else."""

CREATE = """\
curl -X POST https://api.tunetrail.dev/api-keys \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "Production API",
    "environment": "production",
    "scopes": ["read:tracks", "read:recommendations"],
    "expires_in_days": 90
  }'
"""

USE = """\
curl https://api.tunetrail.dev/tracks \\
  -H "Authorization: Bearer tt_your_api_key_here"
"""

LIST = """\
curl https://api.tunetrail.dev/api-keys \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

DETAILS = """\
curl https://api.tunetrail.dev/api-keys/{key_id} \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

UPDATE = """\
curl -X PATCH https://api.tunetrail.dev/api-keys/{key_id} \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "Updated Name",
    "is_active": true
  }'
"""

ROTATE = """\
curl -X POST https://api.tunetrail.dev/api-keys/{key_id}/rotate \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

REVOKE = """\
curl -X POST https://api.tunetrail.dev/api-keys/{key_id}/revoke \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

DELETE = """\
curl -X DELETE https://api.tunetrail.dev/api-keys/{key_id} \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

USAGE = """\
curl https://api.tunetrail.dev/api-keys/{key_id}/usage?days=7 \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""

# The members that its answers show, in the document's order.
CREATED_MEMBERS = [
    "id",
    "api_key",
    "name",
    "key_prefix",
    "scopes",
    "environment",
    "rate_limit_requests_per_minute",
    "rate_limit_requests_per_hour",
    "rate_limit_requests_per_day",
    "created_at",
    "expires_at",
]
USAGE_MEMBERS = [
    "api_key_id",
    "total_requests",
    "successful_requests",
    "failed_requests",
    "avg_response_time_ms",
    "requests_by_endpoint",
    "requests_by_status_code",
    "period_start",
    "period_end",
]
SAMPLE_KEY = "tt_AbCdEfGhIjKlMnOpQrStUvWxYz123456"
