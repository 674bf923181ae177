"""Typed records: what stands on the wire and in the tables, and what the HTTP bodies look like."""
