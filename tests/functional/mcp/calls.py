"""The official client of MCP speaks to an endpoint: calls.py URL KEY MODE [TOOL]. Prints what it saw as JSON."""

import asyncio
import json
import sys

from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def main(url, key, mode, tool):
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {key}"})
    async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        tools = (await client.list_tools()).tools
        answer = await client.call_tool(tool, {"input_data": {"text": "Total: 42"}, "timeout": 20})
        content = answer.structured_content
        status = await client.call_tool("getExecutionStatus", {"execution_id": content["execution_id"]})
        bad = await client.call_tool("getExecutionStatus", {"execution_id": "not-an-id"})
        print(
            json.dumps(
                {
                    "version": client.protocol_version,
                    "server": getattr(client.server_info, "name", None) if mode != "2026-07-28" else None,
                    "tools": [one.name for one in tools],
                    "is_error": answer.is_error,
                    "text_is_content": json.loads(answer.content[0].text) == content,
                    "status": content["status"],
                    "output": content["message"]["result"][0]["result"]["output"],
                    "again": status.structured_content["status"],
                    "bad": bad.is_error,
                }
            )
        )


asyncio.run(main(*sys.argv[1:]))
