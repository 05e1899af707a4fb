"""Pictures drawn by code: the offline sample gallery. Deterministic, no data set, no font."""
