"""Simulated students: sessions over a real WebSocket, as thirty browsers would hold them.

They are a program of their own, ``python -m tests.students``, started by ``python -m semcom_core bench load``.
Only here does anything but the pages import from Streamlit (its message classes, nothing else), so
that ``semcom_core`` stays without it; and as a process of their own the students are outside the
server, as browsers are.
"""
