"""Fetches evidence from live systems: the only room that talks to a network, and only to read."""
