"""The requests of the media document, word for word. A test changes the address, the credentials, the record's id and the file, and nothing else."""

GET = """\
curl -X GET "https://platform.authenta.ai/api/media" \\
  -H "x-client-id: YOUR_CLIENT_ID" \\
  -H "x-client-secret: YOUR_CLIENT_SECRET"
"""

FETCH = """\
const res = await fetch('https://platform.authenta.ai/api/media', {
  headers: {
    'x-client-id': process.env.CLIENT_ID,
    'x-client-secret': process.env.CLIENT_SECRET,
  },
});
platform.log(await res.json());
"""

PYTHON = """\
import requests

response = requests.get(
    "https://platform.authenta.ai/api/media",
    headers={
        "x-client-id": "YOUR_CLIENT_ID",
        "x-client-secret": "YOUR_CLIENT_SECRET"
    }
)
print(response.json())
"""

POST = """\
curl -X POST "https://platform.authenta.ai/api/media" \\
  -H "x-client-id: YOUR_CLIENT_ID" \\
  -H "x-client-secret: YOUR_CLIENT_SECRET" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "video_sample",
    "contentType": "video/mp4",
    "size": 1024000,
    "modelType": "DF-1"
  }'
"""

PUT = """\
curl -X PUT "https://signed-s3-upload-url" \\
  -H "Content-Type: video/mp4" \\
  --data-binary "@./path/to/video.mp4"
"""

SINGLE = """\
curl -X GET "https://platform.authenta.ai/api/media/692f406f9f68d4b70080bb80" \\
  -H "x-client-id: YOUR_CLIENT_ID" \\
  -H "x-client-secret: YOUR_CLIENT_SECRET"
"""

DELETE = """\
curl -X DELETE "https://platform.authenta.ai/api/media/692f406f9f68d4b70080bb80" \\
  -H "x-client-id: YOUR_CLIENT_ID" \\
  -H "x-client-secret: YOUR_CLIENT_SECRET"
"""

IAM001 = {"code": "IAM001", "type": "UNAUTHENTICATED", "message": "You are not authenticated"}
IAM002 = {"code": "IAM002", "type": "UNAUTHORIZED", "message": "You are not authorized"}
AA001 = {"code": "AA001", "type": "CLIENT_ERROR", "message": "API limit reached"}
U007 = {"code": "U007", "type": "CLIENT_ERROR", "message": "Insufficient credits"}
MED404 = {"code": "MED404", "type": "NOT_FOUND", "message": "Media not found"}
"""The six fields of a list's item, and of the example answers."""
ITEM = ["mid", "name", "type", "status", "modelType", "createdAt"]
