"""The examples of the service's own document, word for word. A test changes the address, the key, the job id and nothing else."""

UPLOAD = """\
curl -X POST https://muxminus.com/upload \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -F "file=@song.mp3" \\
  -F "model=htdemucs" \\
  -F "stem_count=4"
"""

STATUS = """\
curl https://muxminus.com/jobs/abc-123-def \\
  -H "Authorization: Bearer YOUR_API_KEY"
"""

DOWNLOAD_STEM = """\
curl https://muxminus.com/download/abc-123-def/vocals.wav \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -o vocals.wav
"""

DOWNLOAD_ALL = """\
curl https://muxminus.com/download/abc-123-def \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -o stems.zip
"""

LIST = """\
curl https://muxminus.com/jobs \\
  -H "Authorization: Bearer YOUR_API_KEY"
"""

PYTHON_EXAMPLE = """\
import requests

API_KEY = "YOUR_API_KEY"
BASE_URL = "https://muxminus.com"

headers = {
    "Authorization": f"Bearer {API_KEY}"
}

# Upload a file
with open("song.mp3", "rb") as f:
    files = {"file": f}
    data = {"model": "htdemucs", "stem_count": 4}
    response = requests.post(f"{BASE_URL}/upload", headers=headers, files=files, data=data)
    job = response.json()
    job_id = job["id"]
    print(f"Job created: {job_id}")

# Check status
response = requests.get(f"{BASE_URL}/jobs/{job_id}", headers=headers)
status = response.json()
print(f"Status: {status['status']}")

# Download when complete
if status["status"] == "completed":
    response = requests.get(f"{BASE_URL}/download/{job_id}", headers=headers)
    with open("stems.zip", "wb") as f:
        f.write(response.content)
    print("Downloaded stems.zip")
"""
