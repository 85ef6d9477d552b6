"""Orion asked what it knows: the SolarWinds Information Service (SWIS), read-only.

``client`` speaks the protocol, ``inventory`` asks the questions. This is the only room that opens
a connection, and only when the user names a server.
"""
