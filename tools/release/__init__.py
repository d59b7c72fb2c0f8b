"""Releases: keys, signatures, and updates brought to devices by jobs of AWS IoT."""
