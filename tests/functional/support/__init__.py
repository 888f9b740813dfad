"""Helpers of the functional tests: a server to talk to, accounts on it, media to send, and sockets for what HTTP clients refuse to send."""
